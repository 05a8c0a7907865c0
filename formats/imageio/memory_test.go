package imageio

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/imago-ml/imago/internal/memory"
)

// TestMemoryIsEnough checks that decoding allocates no more than Info.Memory, and a few copies of the file.
func TestMemoryIsEnough(t *testing.T) {
	const side = 500
	rgb, deep := image.NewNRGBA(image.Rect(0, 0, side, side)), image.NewNRGBA64(image.Rect(0, 0, side, side))
	for i := range rgb.Pix {
		rgb.Pix[i] = uint8(i/1000 + i%3)
	}
	var b [6]bytes.Buffer
	err := errors.Join(png.Encode(&b[0], rgb), png.Encode(&b[1], deep), jpeg.Encode(&b[2], rgb, &jpeg.Options{Quality: 100}),
		gif.Encode(&b[3], rgb, nil), bmp.Encode(&b[4], rgb), tiff.Encode(&b[5], deep, &tiff.Options{Compression: tiff.Deflate}))
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		file := b[i].Bytes()
		info, err := DecodeInfo(bytes.NewReader(file), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(bytes.NewReader(file), Limits{}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		got := int64(after.TotalAlloc - before.TotalAlloc)
		if most := info.Memory() + 5*int64(len(file)); got > most || got < side*side {
			t.Errorf("%s %d: %d bytes for %d pixels and a file of %d, want at most %d", info.Format, i, got, side*side, len(file), most)
		}
		t.Logf("%s %d: %.1f bytes a pixel without the file, at most %d", info.Format, i, float64(got-int64(len(file)))/side/side, info.Memory()/side/side)
	}
}

// TestDecodeWithinBudget checks that an image beyond the memory budget is refused by its header.
func TestDecodeWithinBudget(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 6000, 6000))); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 64<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, err := Decode(&b, Limits{}); !errors.As(err, &over) || errors.Is(err, ErrFormat) ||
		!strings.HasPrefix(err.Error(), "decoding a png image of 6000 rows and 6000 columns takes ") {
		t.Errorf("36 megapixels in 64 MiB: %v", err)
	}
}
