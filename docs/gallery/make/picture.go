package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/numpy"
)

// picturePixels is about how many pixels a side a picture of a sheet has.
const picturePixels = 56

// draw runs the commands of an entry in a folder and returns the PNG file of its page: the pictures of the last command without
// titles and margins. A training whose run is there already is not done again.
func (e *entry) draw(dir string) ([]byte, error) {
	for _, line := range e.picture.commands {
		args := strings.Fields(line)[1:]
		if i := slices.Index(args, "--name"); i >= 0 {
			if _, err := os.Stat(filepath.Join(dir, "runs", args[i+1])); err == nil {
				continue
			}
		}
		if args[0] != "train" {
			args = append(args, "--out", e.recipe+".npz")
		}
		if err := imago(dir, args...); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(filepath.Join(dir, e.recipe+".npz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r, err := numpy.NewReader(f, info.Size())
	if err != nil {
		return nil, err
	}
	x, err := r.Read("x")
	if err != nil {
		return nil, err
	}
	s := x.Shape()
	if len(s) != 4 || x.U8() == nil {
		return nil, fmt.Errorf("the pictures are %v, want bytes in rows, columns and channels", x)
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, sheet(x.U8(), s[0], s[1], s[2], s[3], e.picture.columns))
	return b.Bytes(), err
}

// imago runs a command line of imago in a folder.
func imago(dir string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), asImago+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("imago %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// sheet lays n pictures out in rows of ten, or of five if they are few, or fills ten columns one after the other.
func sheet(pixels []uint8, n, h, w, c int, columns bool) image.Image {
	cols := 10
	if n < 4*cols {
		cols = 5
	}
	rows, scale := (n+cols-1)/cols, max(1, picturePixels/w)
	m := image.NewRGBA(image.Rect(0, 0, cols*w*scale, rows*h*scale))
	for i := range n {
		col, row := i%cols, i/cols
		if columns {
			col, row = i/rows, i%rows
		}
		for y := range h * scale {
			for x := range w * scale {
				p := pixels[((i*h+y/scale)*w+x/scale)*c:]
				m.SetRGBA(col*w*scale+x, row*h*scale+y, color.RGBA{p[0], p[(c-1)/2], p[c-1], 255})
			}
		}
	}
	if c > 1 {
		return m
	}
	grey := image.NewGray(m.Rect)
	for i := range grey.Pix {
		grey.Pix[i] = m.Pix[4*i]
	}
	return grey
}
