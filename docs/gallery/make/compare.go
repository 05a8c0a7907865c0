package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/imago-ml/imago/internal/cpuid"
)

// compare makes pictures again in the folder work, and writes for each, when it is made, how much it differs from the file below
// docs. It returns an error unless each is within its tolerance.
func compare(w io.Writer, docs, work string, files []file) error {
	begin, over, most := time.Now(), 0, 0.0
	for i, f := range files {
		start := time.Now()
		d, err := f.difference(docs, work)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		answer := "within"
		if !(d <= f.tolerance()) {
			answer, over = "OVER", over+1
		}
		most = max(most, d)
		fmt.Fprintf(w, "%2d of %d: %-26s differs by %5.2f of 255, %s %g; made in %v\n", i+1, len(files), f.path, d, answer, f.tolerance(), time.Since(start).Round(time.Second))
	}
	fmt.Fprintf(w, "The largest difference is %.2f; all of it took %v\n", most, time.Since(begin).Round(time.Second))
	if over > 0 {
		return fmt.Errorf("%d of %d pictures differ by more than they may (kernels of %s; the pictures are of avx2 or avx512)", over, len(files), cpuid.Name())
	}
	fmt.Fprintf(w, "%d of %d pictures are what their commands make\n", len(files), len(files))
	return nil
}

// tolerance returns how much a picture may differ, as a mean difference of values of 0 to 255. The pictures are made with the
// kernels of AVX2 or AVX-512, of which a training has the same bits: it ends with the same weights, and 0.5 is for decoders
// that round elsewhere. With other kernels a model that imago brings along draws nearly the same. But a training goes another
// way: the longer it is the more, and that of a GAN more than 12.
func (f *file) tolerance() float64 {
	if kind := cpuid.Name(); f.trained() && kind != "avx2" && kind != "avx512" {
		return 12
	}
	return 0.5
}

// difference makes the picture again and returns the mean difference of its red, green and blue values from those of the file
// below docs: 255 if the sizes differ.
func (f *file) difference(docs, work string) (float64, error) {
	was, err := os.ReadFile(filepath.Join(docs, f.path))
	if err != nil {
		return 0, err
	}
	is, err := f.draw(work)
	if err != nil {
		return 0, err
	}
	x, err := png.Decode(bytes.NewReader(was))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", f.path, err)
	}
	y, err := png.Decode(bytes.NewReader(is))
	if err != nil {
		return 0, err
	}
	return meanDifference(x, y), nil
}

// meanDifference returns the mean difference of the red, green and blue values of two images; 255 if the sizes differ.
func meanDifference(x, y image.Image) float64 {
	if x.Bounds() != y.Bounds() {
		return 255
	}
	sum := 0.0
	for i := range x.Bounds().Dx() {
		for j := range x.Bounds().Dy() {
			r, g, b, _ := x.At(i, j).RGBA()
			r2, g2, b2, _ := y.At(i, j).RGBA()
			for _, d := range []int{int(r) - int(r2), int(g) - int(g2), int(b) - int(b2)} {
				sum += float64(max(d, -d)) / 257
			}
		}
	}
	return sum / float64(3*x.Bounds().Dx()*x.Bounds().Dy())
}
