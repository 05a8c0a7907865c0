package cli

import (
	"net/url"
	"path/filepath"
	"strings"
)

// fileURL returns the address under which a browser opens a file.
func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/… of Windows
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
