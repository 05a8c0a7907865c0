package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// runsDir is the folder in which runs are made without --out, and in which names of runs are looked up.
const runsDir = "runs"

// latestName names the run that was trained last.
const latestName = "latest"

// resolveRun returns the path that name means: a path, a name below runs/, latest, also as out/latest, or zoo:NAME. Of a path and
// a name that both exist, it is the first that holds a trained model: a folder of pictures here does not hide the run of
// its name. The path may be a file or any folder: the caller checks what it holds.
func resolveRun(name string) (string, error) {
	if disk.IsMounted(name) {
		_, err := disk.Stat(name)
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			err = fmt.Errorf("%s: %w", name, pe.Err)
		}
		return name, err
	}
	var found []string
	for _, path := range []string{name, filepath.Join(runsDir, name)} {
		if _, err := disk.Stat(path); err != nil {
			continue
		}
		if holdsModel(path) {
			return path, nil
		}
		found = append(found, path)
	}
	if filepath.Base(name) == latestName {
		root := runsDir
		if dir := filepath.Dir(name); dir != "." {
			root = dir
		}
		if run, err := latestRun(root, ""); err == nil || len(found) == 0 {
			return run, err
		}
	}
	if len(found) > 0 {
		return found[0], nil
	}
	have, near := "there are no runs in "+runsDir, ""
	if runs := listRuns(runsDir); len(runs) > 0 {
		var names []string
		for _, r := range runs {
			names = append(names, filepath.Base(r.dir))
		}
		near = data.DidYouMean(name, names)
		have = "the latest in " + runsDir + " are " + strings.Join(names[:min(5, len(names))], ", ")
	}
	return "", fmt.Errorf("no run or file %q%s: want a path, a name in %s, or %q; %s", name, near, runsDir, latestName, have)
}

// holdsModel reports whether a path is the folder of a run or of a checkpoint, or a file of weights by its name.
func holdsModel(dir string) bool {
	if filepath.Ext(dir) == filepath.Ext(ckpt.WeightsFile) {
		return true
	}
	for _, name := range []string{runlog.ConfigFile, ckpt.WeightsFile} {
		if _, err := disk.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// latestRun returns the run of that recipe, or of any if it is "", that was trained last in the folder root.
func latestRun(root, recipe string) (string, error) {
	for _, r := range listRuns(root) {
		if recipe == "" {
			return r.dir, nil
		}
		if run, err := runlog.Open(r.dir, ""); err == nil && run.Config.Recipe == recipe {
			return r.dir, nil
		}
	}
	suffix := ""
	if recipe != "" {
		suffix = " of " + recipe
	}
	return "", fmt.Errorf("there is no run%s in %s yet: make one with imago quickstart or imago train", suffix, root)
}

// A runFolder is a folder with the configuration of a run in it.
type runFolder struct {
	dir  string
	when time.Time // of its last log line or checkpoint
}

// listRuns returns the runs in the folder root, the one trained last first.
func listRuns(root string) []runFolder {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	var runs []runFolder
	for _, e := range entries {
		r := runFolder{dir: filepath.Join(root, e.Name())}
		if _, err := os.Stat(filepath.Join(r.dir, runlog.ConfigFile)); err != nil {
			continue
		}
		for _, name := range []string{runlog.ConfigFile, runlog.MetricsFile, runlog.CheckpointsDir} {
			if info, err := os.Stat(filepath.Join(r.dir, name)); err == nil && info.ModTime().After(r.when) {
				r.when = info.ModTime()
			}
		}
		runs = append(runs, r)
	}
	// Runs are numbered, so of two with equal times the later name comes first.
	slices.SortFunc(runs, func(a, b runFolder) int {
		if c := b.when.Compare(a.when); c != 0 {
			return c
		}
		return strings.Compare(b.dir, a.dir)
	})
	return runs
}
