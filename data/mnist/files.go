package mnist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/option"
)

// find returns the path of a file. It downloads the file if it is missing and opt
// allows it.
func (s set) find(ctx context.Context, f data.File, opt data.Options) (string, error) {
	dirs := data.Locate(s.name, opt)
	if path, ok := data.Find(dirs, names(f.Name)...); ok {
		return path, nil
	}
	if opt.Offline {
		return "", s.missing(f, dirs)
	}
	dir, err := data.DownloadDir(s.name, opt)
	if err != nil {
		return "", err
	}
	d := data.Downloader{Progress: opt.Progress}
	path, err := d.Get(ctx, f, data.MirrorURLs(s.name, f.Name, s.mirrors), dir)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w; put the file into %s, or name a mirror in $IMAGO_MIRROR", err, dir)
	}
	return path, err
}

// missing returns the error for a file that is in none of dirs, with the remedy.
func (s set) missing(f data.File, dirs []string) error {
	return &data.FetchError{Set: s.name, Err: option.Errorf("mnist: %s: %s is in none of %s; name its directory with {DataDir}",
		s.name, f.Name, strings.Join(dirs, ", "))}
}

// get downloads the missing files and verifies all.
func (s set) get(ctx context.Context, opt data.Options) error {
	for _, f := range s.files {
		if _, err := s.find(ctx, f, opt); err != nil {
			return err
		}
	}
	status, err := s.verify(ctx, opt)
	if err != nil {
		return err
	}
	for _, st := range status {
		if st.Err != nil {
			return st.Err
		}
	}
	return nil
}

// verify compares each file with its digests. For an uncompressed file, or one that was
// compressed again, it compares the digest of the content.
func (s set) verify(ctx context.Context, opt data.Options) ([]data.FileStatus, error) {
	var all []data.FileStatus
	dirs := data.Locate(s.name, opt)
	for _, f := range s.files {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		st := data.FileStatus{Name: f.Name}
		if path, ok := data.Find(dirs, names(f.Name)...); ok {
			st = s.status(f, path)
		} else {
			st.Err = s.missing(f, dirs)
		}
		all = append(all, st)
	}
	return all, nil
}

func (s set) status(f data.File, path string) data.FileStatus {
	st := data.FileStatus{Name: f.Name, Path: path}
	r, err := os.Open(path)
	if err != nil {
		st.Err = fmt.Errorf("mnist: %w", err)
		return st
	}
	defer r.Close()
	sum := sha256.New()
	if st.Size, err = io.Copy(sum, r); err != nil {
		st.Err = fmt.Errorf("mnist: %w", err)
		return st
	}
	st.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if st.SHA256 == f.SHA256 {
		return st
	}
	x, err := ReadFile(path)
	if err != nil {
		st.Err = s.damaged(err)
		return st
	}
	if f.Unpacked == "" {
		st.Err = s.damaged(fmt.Errorf("mnist: %s: SHA-256 %s, want %s", path, st.SHA256, f.SHA256))
	} else if got := x.Digest(); got != f.Unpacked {
		st.Err = s.damaged(fmt.Errorf("mnist: %s: unpacked SHA-256 %s, want %s", path, got, f.Unpacked))
	}
	return st
}
