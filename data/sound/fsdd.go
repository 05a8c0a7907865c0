package sound

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/option"
)

// fsdd is the name of the Free Spoken Digit Dataset as a set.
const fsdd = "fsdd"

// fsddHome is where the recordings are to be had.
const fsddHome = "https://github.com/Jakobovski/free-spoken-digit-dataset"

// fsddNames are the zip files and folders that may hold the recordings: a zip of the folder
// recordings, and what its home gives as an archive of all.
var fsddNames = []string{"recordings.zip", "recordings", "free-spoken-digit-dataset-master.zip", "free-spoken-digit-dataset-master"}

// FSDD returns the Free Spoken Digit Dataset as a named set: 3,000 recordings of ten digits by
// six speakers, whose indices 0 to 4 are the test part. It is never downloaded. Options.Rate
// and Options.Seconds choose the rate and length of its clips.
//
// Jackson et al. 2018, Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401; CC BY-SA 4.0.
func FSDD() data.Source {
	return data.Source{
		Name:  fsdd,
		About: "spoken digits, 3,000 recordings by six speakers (Jackson et al. 2018); bring your own files",
		Home:  fsddHome,
		Load: func(ctx context.Context, opt data.Options) (*data.Set, error) {
			path, err := findFSDD(opt)
			if err != nil {
				return nil, err
			}
			set, err := Open(ctx, path, opt)
			if err == nil {
				set.Name = fsdd
			}
			return set, err
		},
		Get: func(_ context.Context, opt data.Options) error {
			_, err := findFSDD(opt)
			return err
		},
		Find:   statusFSDD,
		Verify: verifyFSDD,
	}
}

// findFSDD returns the path of the recordings.
func findFSDD(opt data.Options) (string, error) {
	dirs := data.Locate(fsdd, opt)
	for _, dir := range dirs {
		for _, name := range fsddNames {
			path := filepath.Join(dir, name)
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	return "", option.Errorf("sound: %s, or the folder %s, is in none of %s: get it from %s, and put it into the first of these folders or name its folder with {DataDir}",
		fsddNames[0], fsddNames[1], strings.Join(dirs, ", "), fsddHome)
}

// statusFSDD reports where the recordings are, without opening them.
func statusFSDD(_ context.Context, opt data.Options) ([]data.FileStatus, error) {
	s := data.FileStatus{Name: fsddNames[0]}
	s.Path, s.Err = findFSDD(opt)
	return []data.FileStatus{s}, nil
}

// verifyFSDD reads every recording. There is no published digest: a part of the set is a valid
// set too.
func verifyFSDD(ctx context.Context, opt data.Options) ([]data.FileStatus, error) {
	all, err := statusFSDD(ctx, opt)
	s := &all[0]
	if err != nil || s.Err != nil {
		return all, err
	}
	if _, s.Err = Open(ctx, s.Path, data.Options{}); s.Err != nil {
		return all, ctx.Err()
	}
	info, err := os.Stat(s.Path)
	if err != nil || info.IsDir() {
		s.Err = err
		return all, ctx.Err()
	}
	f, err := os.Open(s.Path)
	if err != nil {
		s.Err = fmt.Errorf("sound: %w", err)
		return all, nil
	}
	defer f.Close()
	sum := sha256.New()
	if s.Size, err = io.Copy(sum, f); err != nil {
		s.Err = fmt.Errorf("sound: %s: %w", s.Path, err)
	}
	s.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	return all, ctx.Err()
}
