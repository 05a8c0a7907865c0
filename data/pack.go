package data

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/internal/disk"
)

// MaxCache is the largest number of bytes of packed images in a folder of the cache.
// The files used least recently are removed to keep to it. A larger set is not packed.
const MaxCache = 16 << 30

var maxCache int64 = MaxCache // less in tests

// packSuffix ends the names of files of packed images.
const packSuffix = ".pixels"

// A Packing describes images that are decoded once and from then on read from the
// cache.
type Packing struct {
	// Key is the SHA-256 of everything that the pixels depend on: the identity of the
	// files, and how they are cropped and resized. The hashed bytes begin with PackKey.
	Key  [32]byte
	From string // path of the folder or file they are decoded from; no cache file is written below it

	N, H, W, C int
	// Decode writes image i to dst and returns the SHA-256 of its file. It is called
	// from several goroutines at once.
	Decode func(i int, dst []uint8) (sum [32]byte, err error)
	// Finish is called when all images are decoded, and returns notes to keep with them, or
	// why they are not to be kept; nil = there are none.
	Finish func() ([]Note, error)
}

// PackKey returns the first bytes of everything that is hashed into a key: the version
// of the format and the version of Go, because the decoders of the standard library may
// change from one version to the next.
func PackKey() []byte {
	return fmt.Appendf(nil, "imago pixels %d.%d %s\n", packVersion, decodersVersion, runtime.Version())
}

// decodersVersion changes when imago decodes a file otherwise than before: since 2, a PNG
// is turned upright.
const decodersVersion = 2

// packDirs returns the cache folders, first the one that is written to:
// opt.DataDir/cache, then pixels in the user's cache. A folder inside from is left out.
func packDirs(opt Options, from string) []string {
	var dirs []string
	if opt.DataDir != "" {
		if dir := filepath.Join(opt.DataDir, "cache"); !inside(dir, from) {
			dirs = append(dirs, dir)
		}
	}
	if dir, err := CacheDir("pixels"); err == nil && !slices.Contains(dirs, dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}

// inside reports whether a folder is another one, or lies in it.
func inside(dir, of string) bool {
	a, err1 := filepath.Abs(dir)
	b, err2 := filepath.Abs(of)
	rel, err3 := filepath.Rel(b, a)
	return of != "" && errors.Join(err1, err2, err3) == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func packName(dir string, key [32]byte) string {
	return filepath.Join(dir, fmt.Sprintf("%x%s", key, packSuffix))
}

// FindPacked returns the images that were packed under the key, or nil. A file that is
// damaged, truncated or of another version is reported to opt.Progress and deleted.
func FindPacked(key [32]byte, opt Options) *Packed {
	if opt.NoCache {
		return nil
	}
	for _, dir := range packDirs(opt, "") {
		name := packName(dir, key)
		p, err := openPacked(name, key)
		if err == nil {
			return p
		}
		var system *fs.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.As(err, &system): // it may be whole
			opt.Say("the cache cannot be used: %v", err)
		default:
			opt.Say("%s: %v: made anew", name, err)
			os.Remove(name) // if it cannot be, packing it anew says so
		}
	}
	return nil
}

// Say writes a line to Progress, for messages of sources and openers.
func (o Options) Say(format string, args ...any) {
	if o.Progress != nil {
		fmt.Fprintf(o.Progress, format+"\n", args...)
	}
}

// Pack packs images and returns them. If another process is packing the same images, it
// waits and returns that result. It returns nil, after a line to opt.Progress, if the
// images cannot be kept. An error is one of Decode or of ctx.
func Pack(ctx context.Context, k Packing, opt Options) (*Packed, error) {
	if opt.NoCache {
		return nil, nil
	}
	hd := head{n: k.N, h: k.H, w: k.W, c: k.C, key: k.Key, from: packText(k.From, nil, k.Finish != nil)}
	if need := hd.bytes(); need > maxCache {
		opt.Say("not kept in the cache: %s, more than the %s it holds", gigabytes(need), gigabytes(maxCache))
		return nil, nil
	}
	hd.table = make([]byte, packRow*hd.n)
	dir, part, err := openPack(ctx, &hd, k.From, opt)
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		opt.Say("not kept in the cache: %v", err)
		return nil, nil
	}
	name := packName(dir, k.Key)
	if part != nil {
		err := fillPack(ctx, part, &hd, k)
		if err == nil {
			err = local(finishPack(part, name))
		}
		var ours *localError
		if errors.As(err, &ours) {
			opt.Say("not kept in the cache: %v", err)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	p, err := openPacked(name, k.Key)
	if err == nil && (p.n != k.N || p.h != k.H || p.w != k.W || p.c != k.C) {
		err = fmt.Errorf("it holds %d images of %dx%dx%d", p.n, p.h, p.w, p.c)
	}
	if err != nil {
		opt.Say("not kept in the cache: %s: %v", name, err)
		return nil, nil
	}
	return p, nil
}

func local(err error) error {
	if err == nil {
		return nil
	}
	return &localError{err}
}

// openPack opens the file in the first folder that can be written to. The part is nil
// if another process has finished it in the meantime.
func openPack(ctx context.Context, hd *head, from string, opt Options) (dir string, part *part, err error) {
	err = errors.New("there is neither a directory of data sets nor a cache directory of the user")
	for _, dir = range packDirs(opt, from) {
		if err = os.MkdirAll(dir, 0o777); err != nil {
			continue
		}
		makeRoom(dir, hd.bytes(), opt)
		part, err = openPart(ctx, packName(dir, hd.key), func() { opt.Say("another imago is reading these images: waiting for it") })
		if err == nil || ctx.Err() != nil {
			return dir, part, err
		}
	}
	return dir, nil, err
}

// fillPack decodes all images into the part. On failure it removes the part.
func fillPack(ctx context.Context, part *part, hd *head, k Packing) (err error) {
	defer func() {
		if err != nil {
			part.drop()
		}
	}()
	size, start := hd.size(), hd.start()
	buffers := sync.Pool{New: func() any { b := make([]uint8, size); return &b }}
	err = Parallel(ctx, hd.n, func(i int) error {
		buf := buffers.Get().(*[]uint8)
		defer buffers.Put(buf)
		sum, err := k.Decode(i, *buf)
		if err != nil {
			return err
		}
		row := hd.row(i)
		copy(row, sum[:])
		binary.LittleEndian.PutUint32(row[32:], crc32.Checksum(*buf, castagnoli))
		_, err = part.f.WriteAt(*buf, start+int64(i)*int64(size))
		return local(err)
	})
	if err != nil {
		return err
	}
	if k.Finish != nil {
		notes, err := k.Finish()
		if err != nil {
			return err
		}
		hd.from = packText(k.From, notes, true)
	}
	// What an earlier process left behind may be longer.
	if err := part.f.Truncate(hd.bytes()); err != nil {
		return local(err)
	}
	_, err = part.f.WriteAt(hd.encode(), 0)
	return local(err)
}

// packText returns the text of a file of packed images: where they are from and, after a
// zero byte, the JSON of the notes. If it is long, it has packMaxText bytes whatever the
// notes, for the place of the pixels depends on its length; notes that do not fit are
// left out, the last first.
func packText(from string, notes []Note, long bool) string {
	from = strings.ToValidUTF8(from[:min(len(from), packMaxText)], "")
	if !long {
		return from
	}
	text := from
	for n := len(notes); n > 0; n-- {
		b, err := json.Marshal(notes[:n])
		if err == nil && len(from)+1+len(b) <= packMaxText {
			text = from + "\x00" + string(b)
			break
		}
	}
	return text + strings.Repeat("\x00", packMaxText-len(text))
}

// notes returns the notes that are kept with the images.
func (p *Packed) notes() []Note {
	_, text, _ := strings.Cut(p.from, "\x00")
	var notes []Note
	if json.Unmarshal([]byte(strings.TrimRight(text, "\x00")), &notes) != nil {
		return nil // none are kept
	}
	return notes
}

// finishPack renames a complete part to its final name.
func finishPack(part *part, name string) error {
	if err := part.finish(name); err != nil {
		os.Remove(part.f.Name())
		return err
	}
	return disk.At(filepath.Dir(name)).SyncDir(".")
}

// A CachedFile describes a file of packed images.
type CachedFile struct {
	Path       string
	Size       int64 // bytes on disk
	Used       time.Time
	N, H, W, C int    // 0 if the file is incomplete
	From       string // path of the folder or file the images were decoded from
}

// CachedFiles returns the files of packed images in the cache folders, most recently
// used first.
func CachedFiles(opt Options) []CachedFile {
	var all []CachedFile
	for _, dir := range packDirs(opt, "") {
		all = append(all, cachedIn(dir)...)
	}
	return all
}

func cachedIn(dir string) []CachedFile {
	var all []CachedFile
	entries, _ := os.ReadDir(dir) // a folder that is not there holds none
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(strings.TrimSuffix(e.Name(), partSuffix), packSuffix) {
			continue
		}
		c := CachedFile{Path: filepath.Join(dir, e.Name()), Size: info.Size(), Used: info.ModTime()}
		if f, err := os.Open(c.Path); err == nil {
			if hd, err := readPackHead(f, c.Size, true); err == nil {
				c.N, c.H, c.W, c.C = hd.n, hd.h, hd.w, hd.c
				c.From, _, _ = strings.Cut(hd.from, "\x00")
			}
			f.Close()
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b CachedFile) int {
		return cmp.Or(b.Used.Compare(a.Used), strings.Compare(a.Path, b.Path))
	})
	return all
}

// Remove deletes a file of packed images. A process that has it open can go on reading
// it where the system allows that. It fails if another process is writing the file.
func (c CachedFile) Remove() error {
	if strings.HasSuffix(c.Path, partSuffix) {
		f, err := os.OpenFile(c.Path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if free, err := lock(f); !free || err != nil {
			return fmt.Errorf("data: %s: another imago is writing it", c.Path)
		}
	}
	return os.Remove(c.Path)
}

// makeRoom deletes unfinished files and then the least recently used ones, until need
// more bytes keep the folder within MaxCache.
func makeRoom(dir string, need int64, opt Options) {
	files := cachedIn(dir)
	total := need
	for _, c := range files {
		total += c.Size
	}
	for _, c := range slices.Backward(files) {
		part := strings.HasSuffix(c.Path, partSuffix)
		if !part && total <= maxCache {
			continue
		}
		if c.Remove() == nil {
			total -= c.Size
			if !part {
				opt.Say("removed %s from the cache, for room: it was made from %s", gigabytes(c.Size), c.From)
			}
		}
	}
}

func gigabytes(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
