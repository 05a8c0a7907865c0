package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imago-ml/imago/data/medium"
)

// packing returns n images of 3x4x3, made from their index and seed, and a cache in a
// temporary folder.
func packing(t testing.TB, n int, seed uint8) (Packing, Options, *bytes.Buffer) {
	t.Helper()
	progress := &bytes.Buffer{}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "none"))
	k := Packing{Key: sha256.Sum256([]byte{seed, uint8(n)}), From: "/pictures", N: n, H: 3, W: 4, C: 3}
	k.Decode = func(i int, dst []uint8) (sum [32]byte, err error) {
		for j := range dst {
			dst[j] = uint8(7*i+j) ^ seed
		}
		return sha256.Sum256(dst), nil
	}
	return k, Options{DataDir: t.TempDir(), Progress: progress}, progress
}

// holds fails unless p contains the images of k.
func holds(t testing.TB, p *Packed, k Packing) {
	t.Helper()
	if p == nil {
		t.Fatal("nothing was packed")
	}
	if h, w, c, _ := medium.HWC(p.Item()); p.Len() != k.N || h != k.H || w != k.W || c != k.C {
		t.Fatalf("%d images of %dx%dx%d", p.Len(), h, w, c)
	}
	got, want := make([]uint8, 36), make([]uint8, 36)
	for i := range k.N {
		sum, _ := k.Decode(i, want)
		if err := p.At(i, got); err != nil || !bytes.Equal(got, want) || p.FileSum(i) != sum {
			t.Fatalf("image %d is not what was packed (%v)", i, err)
		}
	}
	if p.At(k.N, got) == nil || p.At(-1, got) == nil || p.At(0, got[:35]) == nil {
		t.Error("a bad call passed")
	}
}

func packed(t testing.TB, k Packing, opt Options) *Packed {
	t.Helper()
	p, err := Pack(t.Context(), k, opt)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, p, k)
	return p
}

// files returns the names in the cache of a test.
func files(t testing.TB, opt Options) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(opt.DataDir, "cache", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPack(t *testing.T) {
	k, opt, progress := packing(t, 100, 1)
	if FindPacked(k.Key, opt) != nil {
		t.Error("an empty cache has images")
	}
	packed(t, k, opt)
	holds(t, FindPacked(k.Key, opt), k)
	if names := files(t, opt); len(names) != 1 || names[0] != packName(filepath.Join(opt.DataDir, "cache"), k.Key) {
		t.Errorf("the cache holds %v", names)
	}
	if progress.Len() > 0 {
		t.Errorf("it said %q", progress)
	}
	other, _, _ := packing(t, 100, 2)
	if FindPacked(other.Key, opt) != nil {
		t.Error("another key has images")
	}
	all := CachedFiles(opt)
	if len(all) != 1 || all[0].N != 100 || all[0].H != 3 || all[0].W != 4 || all[0].C != 3 || all[0].From != "/pictures" || time.Since(all[0].Used) > time.Minute {
		t.Errorf("%+v", all)
	}

	// What is read, not mapped, is the same.
	p := FindPacked(k.Key, opt)
	f, err := os.Open(p.name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	holds(t, &Packed{head: p.head, name: p.name, file: f}, k)

	opt.NoCache = true
	if p, err := Pack(t.Context(), k, opt); p != nil || err != nil || FindPacked(k.Key, opt) != nil {
		t.Errorf("a cache that is not wanted is used (%v)", err)
	}
}

// TestPackedDamaged checks that a damaged file is reported in one line, deleted and
// made again.
func TestPackedDamaged(t *testing.T) {
	put := func(at int, v uint32) func(b []byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], v); return b }
	}
	for says, spoil := range map[string]func(b []byte) []byte{
		"its header is cut short":              func(b []byte) []byte { return b[:20] },
		"of 100 images of 3x4x3":               func(b []byte) []byte { return b[:len(b)-1] },
		"not the":                              func(b []byte) []byte { return append(b, 0) },
		"is not a file of packed images":       put(0, 7),
		"version 2 of the format":              put(8, 2),
		"claims more than":                     put(20, 1<<31),
		"claims more than its":                 put(24, 1<<31),
		"claims more":                          put(64, packMaxText+1),
		"its header or table is damaged":       put(packFixed, 9),
		"header or table is damaged":           put(packFixed+9+36*50, 9),
		"table is damaged":                     put(packFixed-4, 9),
		"it is of other images":                func(b []byte) []byte { return rekeyed(b) },
		"its header is cut short: made anew\n": func(b []byte) []byte { return nil },
	} {
		k, opt, progress := packing(t, 100, 1)
		packed(t, k, opt)
		name := files(t, opt)[0]
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, spoil(b), 0o666); err != nil {
			t.Fatal(err)
		}
		if FindPacked(k.Key, opt) != nil {
			t.Errorf("%s: it was used", says)
		}
		if !strings.Contains(progress.String(), says) || strings.Count(progress.String(), "\n") != 1 {
			t.Errorf("it said %q, want one line with %q", progress, says)
		}
		if len(files(t, opt)) != 0 {
			t.Errorf("%s: it was left there", says)
		}
		packed(t, k, opt)
	}
}

// rekeyed returns the file under another key, its checksum right.
func rekeyed(b []byte) []byte {
	b[32] ^= 1
	end := packFixed + len("/pictures") + 100*packRow
	binary.LittleEndian.PutUint32(b[packFixed-4:], headSum(b[:end]))
	return b
}

// TestPackedPixels checks that a changed pixel gives an error for its image, and so
// does a file that is truncated while it is in use.
func TestPackedPixels(t *testing.T) {
	k, opt, _ := packing(t, 100, 1)
	p := packed(t, k, opt)
	name := files(t, opt)[0]
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{99}, p.start()+36*5+7); err != nil {
		t.Fatal(err)
	}
	p = FindPacked(k.Key, opt)
	dst := make([]uint8, 36)
	if err := p.At(5, dst); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "image 5") {
		t.Errorf("a changed pixel gave %v", err)
	}
	if err := p.At(6, dst); err != nil {
		t.Error(err)
	}
	if err := f.Truncate(100); err != nil {
		t.Fatal(err)
	}
	if err := p.At(6, dst); err == nil || !strings.Contains(err.Error(), "cannot be read") && !strings.Contains(err.Error(), "EOF") {
		t.Errorf("a file cut short gave %v", err)
	} else if strings.Contains(err.Error(), "nil pointer") {
		t.Errorf("%v: no pointer is nil", err)
	}
}

// TestPackFails checks that an image that cannot be decoded gives an error, and that
// nothing is left behind.
func TestPackFails(t *testing.T) {
	k, opt, _ := packing(t, 100, 1)
	bad := k
	broken := errors.New("broken")
	bad.Decode = func(i int, dst []uint8) ([32]byte, error) {
		if i == 50 {
			return [32]byte{}, broken
		}
		return k.Decode(i, dst)
	}
	if p, err := Pack(t.Context(), bad, opt); p != nil || !errors.Is(err, broken) {
		t.Errorf("%v, %v", p, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	bad.Decode = func(i int, dst []uint8) ([32]byte, error) {
		if i == 50 {
			cancel()
		}
		return k.Decode(i, dst)
	}
	if p, err := Pack(ctx, bad, opt); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", p, err)
	}
	if names := files(t, opt); len(names) != 0 {
		t.Errorf("left: %v", names)
	}

	// A cache that cannot be written is progress of, and no error.
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o666)
	var progress bytes.Buffer
	t.Setenv("XDG_CACHE_HOME", file)
	if p, err := Pack(t.Context(), k, Options{DataDir: file, Progress: &progress}); p != nil || err != nil || strings.Count(progress.String(), "not kept in the cache: ") != 1 {
		t.Errorf("%v, %v: it said %q", p, err, &progress)
	}
}

// TestPackTwice checks that of two concurrent calls one decodes and the other waits for
// its result.
func TestPackTwice(t *testing.T) {
	k, opt, _ := packing(t, 300, 1)
	var decoded atomic.Int64
	decode := k.Decode
	slow := k
	slow.Decode = func(i int, dst []uint8) ([32]byte, error) {
		decoded.Add(1)
		time.Sleep(time.Millisecond)
		return decode(i, dst)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			opt := opt
			opt.Progress = &bytes.Buffer{}
			p, err := Pack(t.Context(), slow, opt)
			if err != nil || p == nil {
				t.Errorf("%v, %v", p, err)
				return
			}
			holds(t, p, k)
		})
	}
	wg.Wait()
	if n := decoded.Load(); n != int64(k.N) {
		t.Errorf("%d images were decoded, want each of %d once", n, k.N)
	}
}

// TestPackKilled checks that a process that is killed while it packs leaves no valid
// file, and that the next process removes what it left.
func TestPackKilled(t *testing.T) {
	if dir := os.Getenv("IMAGO_TEST_PACK"); dir != "" {
		k, opt, _ := packing(t, 100, 1)
		decode := k.Decode
		k.Decode = func(i int, dst []uint8) ([32]byte, error) {
			if i == 50 {
				fmt.Println("half way")
				select {}
			}
			return decode(i, dst)
		}
		opt.DataDir = dir
		Pack(t.Context(), k, opt)
		return
	}
	k, opt, progress := packing(t, 100, 1)
	cmd := exec.Command(os.Args[0], "-test.run=^TestPackKilled$")
	cmd.Env = append(os.Environ(), "IMAGO_TEST_PACK="+opt.DataDir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if names := files(t, opt); len(names) != 1 || !strings.HasSuffix(names[0], packSuffix+partSuffix) {
		t.Errorf("half way the cache holds %v", names)
	} else if err := CachedFiles(opt)[0].Remove(); err == nil {
		t.Error("what another process is writing was deleted")
	}
	cmd.Process.Kill()
	cmd.Wait()
	if FindPacked(k.Key, opt) != nil {
		t.Error("what was written half is used")
	}
	other, _, _ := packing(t, 20, 2)
	packed(t, other, opt)
	packed(t, k, opt)
	if names := files(t, opt); len(names) != 2 || progress.Len() > 0 {
		t.Errorf("the cache holds %v; it said %q", names, progress)
	}
}

// TestPackMakesRoom checks that the least recently used file is removed to make room.
func TestPackMakesRoom(t *testing.T) {
	defer func(was int64) { maxCache = was }(maxCache)
	k, opt, progress := packing(t, 100, 1)
	one := (&head{n: k.N, h: k.H, w: k.W, c: k.C, from: k.From}).bytes()
	maxCache = 2*one + 10
	var keys []Packing
	for seed := range uint8(3) {
		k, _, _ := packing(t, 100, seed)
		keys = append(keys, k)
		if seed == 2 {
			FindPacked(keys[0].Key, opt) // used, so the second is the oldest
		}
		packed(t, k, opt)
		for i, name := range files(t, opt) { // times are coarse
			old := time.Now().Add(-time.Duration(10-i) * time.Hour)
			os.Chtimes(name, old, old)
		}
		os.Chtimes(packName(filepath.Join(opt.DataDir, "cache"), k.Key), time.Time{}, time.Now().Add(-time.Hour))
	}
	if FindPacked(keys[0].Key, opt) == nil || FindPacked(keys[1].Key, opt) != nil || FindPacked(keys[2].Key, opt) == nil {
		t.Errorf("the wrong one made room; it said %q", progress)
	}
	if strings.Count(progress.String(), "removed") != 1 {
		t.Errorf("it said %q", progress)
	}
	maxCache = one - 1
	if p, err := Pack(t.Context(), Packing{Key: [32]byte{9}, From: k.From, N: k.N, H: k.H, W: k.W, C: k.C, Decode: k.Decode}, opt); p != nil || err != nil || !strings.Contains(progress.String(), "more than") {
		t.Errorf("%v, %v: it said %q", p, err, progress)
	}
}

// TestPackOutside checks that nothing is written among the user's own files.
func TestPackOutside(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/users/cache")
	t.Setenv("HOME", "/users")
	mine, _ := CacheDir("pixels")
	for _, tt := range []struct {
		dir, from string
		want      []string
	}{
		{"", "/photos", []string{mine}},
		{"/data", "/photos", []string{"/data/cache", mine}},
		{"/photos", "/photos", []string{mine}},
		{"/photos/sets", "/photos", []string{mine}},
		{"/photos-too", "/photos", []string{"/photos-too/cache", mine}},
	} {
		if got := packDirs(Options{DataDir: filepath.FromSlash(tt.dir)}, filepath.FromSlash(tt.from)); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

func FuzzPackHead(f *testing.F) {
	hd := head{n: 3, h: 2, w: 2, c: 1, from: "x", table: make([]byte, 3*packRow)}
	whole := make([]byte, hd.bytes())
	copy(whole, hd.encode())
	f.Add(whole)
	f.Add(whole[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := readPackHead(bytes.NewReader(b), int64(len(b)), false)
		if err != nil {
			return
		}
		if p.bytes() != int64(len(b)) || !bytes.HasPrefix(b, p.encode()) {
			t.Errorf("%d bytes pass for %d images of %dx%dx%d", len(b), p.n, p.h, p.w, p.c)
		}
	})
}

// BenchmarkPacked reads a batch of 64 faces from a file.
func BenchmarkPacked(b *testing.B) {
	k, opt, _ := packing(b, 5000, 1)
	k.H, k.W = 64, 64
	p, err := Pack(b.Context(), k, opt)
	if err != nil || p == nil {
		b.Fatal(err)
	}
	r, dst := NewReader(p), make([]float32, 64*64*3)
	i := 0
	for b.Loop() {
		for range 64 {
			i = (i*31 + 7) % k.N
			if err := r.Floats(i, dst); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
