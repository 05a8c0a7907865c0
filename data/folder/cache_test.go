package folder

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/imago-ml/imago/data"
)

// pictures returns twelve images of two classes, as a folder and as a zip.
func pictures(t *testing.T) (files map[string][]byte, paths []string) {
	files = map[string][]byte{}
	for i := range 12 {
		files[fmt.Sprintf("%c/%02d.png", 'a'+i%2, i)] = plain(t, 9+i, 12, 3, uint8(10*i))
	}
	return files, put(t, files)
}

// kept opens path with a cache that keeps everything, in the folder cache.
func kept(t *testing.T, path, cache string, opt data.Options) *data.Set {
	t.Helper()
	defer func(was int64) { leastPacked = was }(leastPacked)
	leastPacked = 0
	opt.DataDir = cache
	s, err := Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func caches(t *testing.T, cache string) int {
	t.Helper()
	return len(data.CachedFiles(data.Options{DataDir: cache}))
}

// TestCacheIsTheSame checks that a set is the same without a cache, when it is packed
// and when it is read from the cache.
func TestCacheIsTheSame(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, paths := pictures(t)
	for _, path := range paths {
		for _, opt := range []data.Options{{Size: 6}, {Size: 6, Gray: true}, {Size: 20, TestFraction: 0.4}} {
			cache := t.TempDir()
			without := opt
			without.NoCache = true
			want, err := Open(t.Context(), path, without)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got := kept(t, path, cache, opt)
				if got.Digest != want.Digest || !slices.Equal(got.Train.Labels, want.Train.Labels) || got.Validate() != nil ||
					!bytes.Equal(pixels(t, got.Train.Items), pixels(t, want.Train.Items)) || !bytes.Equal(pixels(t, got.Test.Items), pixels(t, want.Test.Items)) {
					t.Errorf("%s, %+v: the cache has another set", path, opt)
				}
			}
			if n := caches(t, cache); n != 1 {
				t.Errorf("%d files are kept, want one", n)
			}
		}
	}
	if left := caches(t, t.TempDir()); left != 0 {
		t.Errorf("%d files were kept elsewhere", left)
	}
}

// TestCacheHitAndMiss checks that packed images are not decoded again: a file whose
// bytes changed but not its time and size goes unnoticed. Every other change is
// noticed.
func TestCacheHitAndMiss(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	files, paths := pictures(t)
	dir, cache := paths[0], t.TempDir()
	opt := data.Options{Size: 6}
	first := kept(t, dir, cache, opt)

	name := filepath.Join(dir, "a", "02.png")
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(name, make([]byte, info.Size()), 0o666), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if again := kept(t, dir, cache, opt); again.Digest != first.Digest || caches(t, cache) != 1 {
		t.Error("what is kept was decoded again")
	}
	// Another division of the same images takes the same file.
	kept(t, dir, cache, data.Options{Size: 6, TestFraction: 0.5, Seed: 3})
	if n := caches(t, cache); n != 1 {
		t.Errorf("another division: %d files are kept, want one", n)
	}

	count := 1
	for _, change := range []struct {
		name string
		do   func() error
		opt  data.Options
		more int // files kept
	}{
		{"an image replaced", func() error { return os.WriteFile(name, files["b/03.png"], 0o666) }, opt, 1},
		{"an image written again", func() error {
			now := info.ModTime().Add(time.Second)
			return os.Chtimes(name, now, now)
		}, opt, 1},
		{"an image added", func() error { return os.WriteFile(filepath.Join(dir, "a", "new.png"), files["b/05.png"], 0o666) }, opt, 1},
		{"an image less", func() error { return os.Remove(filepath.Join(dir, "a", "new.png")) }, opt, 0}, // as it was before
		{"an image renamed", func() error { return os.Rename(name, filepath.Join(dir, "a", "0.png")) }, opt, 1},
		{"another size", func() error { return nil }, data.Options{Size: 7}, 1},
		{"grey", func() error { return nil }, data.Options{Size: 6, Gray: true}, 1},
	} {
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		got := kept(t, dir, cache, change.opt)
		count += change.more
		if n := caches(t, cache); n != count {
			t.Errorf("%s: %d files are kept, want %d", change.name, n, count)
		}
		change.opt.NoCache = true
		want, err := Open(t.Context(), dir, change.opt)
		if err != nil || got.Digest != want.Digest || !bytes.Equal(pixels(t, got.Train.Items), pixels(t, want.Train.Items)) {
			t.Errorf("%s: the set is not what it is without a cache (%v)", change.name, err)
		}
	}
}

// TestCacheElsewhere checks that nothing is written to the folder of the images, and
// that a small set is not packed.
func TestCacheElsewhere(t *testing.T) {
	mine := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", mine)
	_, paths := pictures(t)
	kept(t, paths[0], filepath.Join(paths[0], "a"), data.Options{Size: 6})
	if _, err := os.Stat(filepath.Join(paths[0], "a", "cache")); err == nil {
		t.Error("the cache lies among the images")
	}
	if n := caches(t, ""); n != 1 {
		t.Errorf("%d files are kept, want one", n)
	}
	cache := t.TempDir()
	if _, err := Open(t.Context(), paths[1], data.Options{Size: 6, DataDir: cache}); err != nil || caches(t, cache) != 1 {
		t.Errorf("a dozen images were kept (%v)", err)
	}
}

// TestOnDemand checks that images decoded on demand, from many goroutines, have the
// same bytes.
func TestOnDemand(t *testing.T) {
	_, paths := pictures(t)
	for _, path := range paths {
		list, err := data.ListImages(path)
		if err != nil {
			t.Fatal(err)
		}
		defer list.Close()
		entries := list.Files
		r := reading{path: path, files: list, opt: data.Options{Size: 5, Gray: true, NoCache: true}}
		for i := range entries {
			r.used = append(r.used, i)
		}
		o, err := r.decoding(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all, err := r.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = data.Parallel(t.Context(), 120, func(i int) error {
			i %= 12
			a, b := make([]uint8, 25), make([]uint8, 25)
			if err := errors.Join(o.At(i, a), all.At(i, b)); err != nil {
				return err
			}
			file, err := entries[i].Read()
			if !bytes.Equal(a, b) || all.Sum(i) != sha256.Sum256(file) {
				t.Errorf("image %d: %d on demand, %d at once (%v)", i, a[0], b[0], err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if o.At(12, make([]uint8, 25)) == nil || o.At(0, make([]uint8, 24)) == nil {
			t.Error("a bad call passed")
		}
	}
}
