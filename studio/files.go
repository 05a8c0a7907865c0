package studio

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"time"
)

// address returns the address of something of a run.
func (r *runState) address(rest string) string {
	return "/api/runs/" + url.PathEscape(r.id) + "/" + rest
}

// pagePolicy is the security policy of files of a run that are pages or drawings: they run nothing and load nothing.
const pagePolicy = "sandbox; default-src 'none'; img-src data: 'self'; media-src data:; style-src 'unsafe-inline'"

// getFile answers with a file of a run: a picture or the report. What a browser does not show by itself is downloaded.
func (s *Studio) getFile(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if !fs.ValidPath(name) {
		return faultf(http.StatusNotFound, "%q is no name of a file", name)
	}
	f, err := run.folder.Open(name)
	if err != nil {
		return faultf(http.StatusNotFound, "this run has no file %s that can be shown: %v", name, cause(err))
	}
	defer f.Close()
	h := w.Header()
	kind := kinds[path.Ext(name)]
	switch path.Ext(name) {
	case ".html", ".svg":
		h.Set("Content-Security-Policy", pagePolicy)
	case ".js", ".css", ".wasm", ".woff2":
		kind = ""
	}
	if kind == "" {
		kind = "application/octet-stream"
		h.Set("Content-Disposition", "attachment")
	}
	h.Set("Content-Type", kind)
	st, err := f.Stat()
	if err != nil {
		return err
	}
	http.ServeContent(w, r, "", st.ModTime().Round(time.Second), f)
	return nil
}

// cause returns why a file cannot be had, without its path on this machine.
func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
