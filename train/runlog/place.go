package runlog

import (
	"os"
	"path/filepath"
)

// Place returns where the data of the run in runDir are: the name of a set, or a path. The
// places that are looked at, in this order, are Path, where the data were when the run was
// made; Source in the current folder; and Source in the folder in which the run was made,
// if the run is at its usual place in it, runs/NAME: that finds data that moved with the
// run. If none of them exists it is Source.
func (d Data) Place(runDir string) string {
	isName := d.Path == "" && filepath.Base(d.Source) == d.Source // or the path of an earlier version, in the current folder
	if isName || exists(d.Source) && (d.Path == "" || absolute(d.Source) == d.Path) {
		return d.Source
	}
	places := []string{d.Path, d.Source}
	if !filepath.IsAbs(d.Source) {
		places = append(places, filepath.Join(absolute(runDir), "..", "..", d.Source))
	}
	for _, p := range places {
		if p != "" && exists(p) {
			return p
		}
	}
	return d.Source
}

// Moved returns d with the place of the same data in other: its source, path and name.
func (d Data) Moved(other Data) Data {
	d.Source, d.Path, d.Name = other.Source, other.Path, other.Name
	return d
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// absolute returns the absolute form of a path, or the path if there is no current folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
