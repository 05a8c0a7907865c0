package data

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// looked is the number of files by which a folder is recognised.
const looked = 100

// MatchMost returns the Match of an Opener of folders and zip files: it reports whether most
// of the first files that are images, or that is reports true for by their name, are the
// latter.
func MatchMost(is func(name string) bool) func(name string, info fs.FileInfo, head []byte) bool {
	return func(name string, info fs.FileInfo, head []byte) bool {
		those, images := 0, 0
		count := func(name string) (goOn bool) {
			switch {
			case strings.HasPrefix(path.Base(name), "."):
			case is(name):
				those++
			case IsImage(name):
				images++
			}
			return those+images < looked
		}
		switch {
		case info.IsDir():
			filepath.WalkDir(name, func(_ string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() && !count(e.Name()) {
					return fs.SkipAll
				}
				return nil // what cannot be read, Open says
			})
		case bytes.HasPrefix(head, []byte("PK\x03\x04")):
			z, err := zip.OpenReader(name)
			if err != nil {
				return false
			}
			defer z.Close()
			for _, f := range z.File {
				if !count(f.Name) {
					break
				}
			}
		}
		return those > images
	}
}
