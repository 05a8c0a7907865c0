package data

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imago-ml/imago/internal/memory"
)

// peakOf returns the most bytes that the heap holds while f runs, as seen every 2 ms.
func peakOf(f func()) int64 {
	var peak atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			peak.Store(max(peak.Load(), memory.InUse()))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return peak.Load()
}

// TestDecodingWithinBudget checks that images which do not fit into memory at once are decoded one after another, and
// that one which does not fit alone ends the reading with the budget and not with the file as its fault.
func TestDecodingWithinBudget(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	const side = 2000 // 56 MB each
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range 12 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".png")), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	list, err := ListImages(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	d := Decoding{Files: list.Files, H: 8, W: 8, C: 3, Least: 1 << 40}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 80e6)
	defer memory.SetLimit(0)
	peak := peakOf(func() { _, err = d.Images(t.Context(), Options{NoCache: true}) })
	if most := memory.Limit() * 6 / 5; err != nil || peak > most {
		t.Errorf("12 images of 56 MB in 80 MB: %v, and %s in use, want at most %s", err, memory.Bytes(peak), memory.Bytes(most))
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 40e6)
	var over *memory.Error
	if _, err = d.Images(t.Context(), Options{NoCache: true}); !errors.As(err, &over) || strings.Contains(err.Error(), "delete") {
		t.Errorf("an image of 56 MB in 40 MB: %v", err)
	}
}

// TestFilesAndValuesWithinBudget checks that a picture's file is taken from the budget before it is opened, and the values
// of all items before they are read.
func TestFilesAndValuesWithinBudget(t *testing.T) {
	items := numbered(t, 64, 256, 256, 1) // 16 MiB as values
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	file := ImageFile{Name: "a.png", Size: 32 << 20, open: func() (io.ReadCloser, error) { return nil, errors.New("it was opened") }}
	if _, err := file.Info(); !errors.As(err, &over) {
		t.Errorf("a file of 32 MiB in 8: %v", err)
	}
	if _, err := AllFloats(t.Context(), items); !errors.As(err, &over) {
		t.Errorf("values of 16 MiB in 8: %v", err)
	}
	runtime.KeepAlive(items)
}

// TestSetWithinBudget checks that the images of a set are kept in memory only if they fit into the budget: those of a source,
// and those that are cropped or resized.
func TestSetWithinBudget(t *testing.T) {
	items := numbered(t, 64, 8, 8, 1)
	set := &Set{Name: "s", Train: Split{Items: items}, Test: Split{Items: items}, Digest: "d"}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	defer memory.SetLimit(0)
	if item := items.Item(); !FitsInMemory(64, item) || FitsInMemory(1<<20, item) {
		t.Error("4 KiB do not fit into 8 MiB, or 64 MiB do")
	}
	for side, want := range map[int]bool{16: true, 1024: false} {
		out, err := fit(t.Context(), set, Options{Size: side, NoCache: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, kept := out.Train.Items.(*InMemory); kept != want {
			t.Errorf("64 images of %d pixels a side in 8 MiB: in memory: %v", side, kept)
		}
	}
}

// TestEntriesWithinBudget checks that what is kept of each item, of each file of a folder and of each of an archive is taken
// from the budget before it is kept.
func TestEntriesWithinBudget(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 3000 {
		name := fmt.Sprint(i, ".png")
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC() // pools keep what they have over one collection
	memory.SetLimit(memory.InUse() + 2<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := ListImages(dir); !errors.As(err, &over) {
		t.Errorf("3000 files in 2 MiB: %v", err)
	}
	if _, err := ZipImages(bytes.NewReader(b.Bytes()), int64(b.Len())); !errors.As(err, &over) || !strings.HasPrefix(over.What, "what is kept") {
		t.Errorf("an archive of 3000 files in 2 MiB: %v", err)
	}
	if err := CheckItems(100_000); !errors.As(err, &over) {
		t.Errorf("100,000 items in 2 MiB: %v", err)
	}
}
