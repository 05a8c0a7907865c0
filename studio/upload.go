package studio

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/screen"
)

// uploadsFolder has what was uploaded, in the folder of the studio.
const uploadsFolder = "uploads"

// mostUpload is the most bytes of an upload.
const mostUpload = 4 << 30

// postUpload keeps a file that is to be data: a zip, a table or an array; or, into a folder, a picture. It is not read here: who looks
// at it or trains on it does that under the memory budget.
func (s *Studio) postUpload(w http.ResponseWriter, r *http.Request) error {
	name, into := r.URL.Query().Get("name"), r.URL.Query().Get("into")
	ext := strings.ToLower(filepath.Ext(name))
	allowed := append(slices.Clone(dataFiles), pictureFiles...)
	if into != "" {
		allowed = pictureFiles
	}
	if !validID(name) || !nameRule.MatchString(name) {
		return fieldError("name", "the name %q: want letters, digits, spaces and the signs . _ + -, a letter or digit first", name)
	}
	if !slices.Contains(allowed, ext) {
		return fieldError("name", "%s is no file that holds data: want one of %s", name, strings.Join(allowed, ", "))
	}
	if into != "" && (!validID(into) || !nameRule.MatchString(into)) {
		return fieldError("into", "the folder %q: want letters, digits, spaces and the signs . _ + -, a letter or digit first", into)
	}
	dir := s.own.Sub(path.Join(uploadsFolder, into))
	if into == "" && slices.Contains(pictureFiles, ext) { // a picture alone is a folder of one
		into = strings.TrimSuffix(name, filepath.Ext(name))
		dir = s.own.Sub(path.Join(uploadsFolder, into))
	}
	if err := dir.MkdirAll("."); err != nil {
		return err
	}
	if err := keepBody(dir, name, r.Body); err != nil {
		return err
	}
	s.looks.forget(dir.Path(name))
	s.looks.forget(dir.Path("."))
	d := dataSet{Source: dir.Path(name), Name: screen.Name(name), About: "a file of data", Kind: "upload", Present: true}
	if into != "" {
		d.Source, d.Name, d.About = dir.Path("."), screen.Name(into), "a folder of pictures"
	}
	return writeJSON(w, d)
}

// keepBody writes a body to a file, which is there whole or not at all. One of that name is replaced.
func keepBody(dir disk.Folder, name string, body io.Reader) error {
	tmp := disk.TempName(name)
	f, err := dir.Create(tmp)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Close()); err == nil {
		err = dir.Rename(tmp, name)
	}
	if err == nil {
		return nil
	}
	_ = dir.Remove(tmp) // the error is that of before
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf(http.StatusBadRequest, "%s has not arrived whole: send it again", name)
	}
	return fmt.Errorf("studio: %s is not kept: %w", name, err)
}

// A browsed is a folder below the root.
type browsed struct {
	Path    string         `json:"path"`
	Parent  *string        `json:"parent"` // nil at the root
	Entries []browsedEntry `json:"entries"`
	More    int            `json:"more"` // entries that are not listed
}

type browsedEntry struct {
	Name   string `json:"name"`
	Folder bool   `json:"folder"`
	Bytes  int64  `json:"bytes"`
}

// getBrowse lists a folder below the root. Hidden files are left out, and links that lead out of it.
func (s *Studio) getBrowse(w http.ResponseWriter, r *http.Request) error {
	p, err := s.within(orElse(r.URL.Query().Get("path"), s.opt.Root))
	if err != nil {
		return faultf(http.StatusForbidden, "%v", err)
	}
	entries, err := os.ReadDir(p)
	if err != nil {
		return faultf(http.StatusNotFound, "%s cannot be listed: %v", p, cause(err))
	}
	b := browsed{Path: p, Entries: []browsedEntry{}, More: max(0, len(entries)-mostListed)}
	if up := filepath.Dir(p); up != p {
		if _, err := s.within(up); err == nil {
			b.Parent = &up
		}
	}
	for _, e := range entries[:min(len(entries), mostListed)] {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.Type()&fs.ModeSymlink != 0 {
			if _, err := s.within(filepath.Join(p, e.Name())); err != nil {
				continue
			}
		}
		st, err := os.Stat(filepath.Join(p, e.Name()))
		if err != nil || !st.IsDir() && !st.Mode().IsRegular() {
			continue
		}
		b.Entries = append(b.Entries, browsedEntry{e.Name(), st.IsDir(), st.Size()})
	}
	return writeJSON(w, b)
}
