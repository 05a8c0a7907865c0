package data

import (
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/internal/option"
)

// Locate returns the directories in which the files of a named set are looked for,
// in order: opt.DataDir/name and opt.DataDir itself, $IMAGO_DATA/name, and the
// user's cache (os.UserCacheDir, then imago/name). They need not exist.
func Locate(name string, opt Options) []string {
	var dirs []string
	if opt.DataDir != "" {
		dirs = append(dirs, filepath.Join(opt.DataDir, name), opt.DataDir)
	}
	if root := os.Getenv("IMAGO_DATA"); root != "" {
		dirs = append(dirs, filepath.Join(root, name))
	}
	if cache, err := CacheDir(name); err == nil {
		dirs = append(dirs, cache)
	}
	return dirs
}

// Find returns the first regular file below dirs that has one of the names, and reports
// whether there is one. All names are tried in a directory before the next directory.
func Find(dirs []string, names ...string) (path string, ok bool) {
	for _, dir := range dirs {
		for _, name := range names {
			p := filepath.Join(dir, name)
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
				return p, true
			}
		}
	}
	return "", false
}

// DownloadDir returns the directory into which the files of a named set are downloaded:
// opt.DataDir/name, or the user's cache if opt names no directory. $IMAGO_DATA, which
// is often shared, is only read from.
func DownloadDir(name string, opt Options) (string, error) {
	if opt.DataDir != "" {
		return filepath.Join(opt.DataDir, name), nil
	}
	return CacheDir(name)
}

// CacheDir returns the directory of name in the user's cache; it need not exist.
func CacheDir(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", option.Errorf("data: no cache directory for %s: %w; give a directory with {DataDir}", name, err)
	}
	return filepath.Join(cache, "imago", name), nil
}
