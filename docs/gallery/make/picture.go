package main

import (
	"bytes"
	"errors"
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

// A file is a picture of the guides: of the page of a recipe, or of another page.
type file struct {
	name string // by which it is asked for
	path string // below docs
	picture
}

// files returns the pictures of the recipes in the order of the gallery, and then those of other pages.
func (g *gallery) files() []file {
	var all []file
	for _, e := range g.entries() {
		all = append(all, file{e.recipe, "gallery/" + e.recipe + ".png", e.picture})
	}
	for _, s := range sheets() {
		all = append(all, file{s.name, s.name + ".png", s.picture})
	}
	return all
}

// named returns the files of those names, or all if there is no name.
func (g *gallery) named(names []string) ([]file, error) {
	all := g.files()
	if len(names) == 0 {
		return all, nil
	}
	var some []file
	for _, name := range names {
		i := slices.IndexFunc(all, func(f file) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no picture %q: name a recipe, or a picture of table.go", name)
		}
		some = append(some, all[i])
	}
	return some, nil
}

// trainings returns the commands but the last.
func (p *picture) trainings() []string { return p.commands[:len(p.commands)-1] }

// trained reports whether a training is part of making the picture, rather than a model that imago brings along.
func (p *picture) trained() bool { return len(p.trainings()) > 0 }

// draw makes a picture in a folder and returns its PNG file.
func (f *file) draw(work string) ([]byte, error) {
	dir, err := f.train(work)
	if err != nil {
		return nil, err
	}
	out := f.name + ".npz"
	if f.whole {
		out = f.name + ".png"
	}
	last := f.commands[len(f.commands)-1]
	if err := imago(dir, append(strings.Fields(last)[1:], "--out", out)...); err != nil {
		return nil, err
	}
	if f.whole {
		return os.ReadFile(filepath.Join(dir, out))
	}
	return f.sheet(filepath.Join(dir, out))
}

// train runs the trainings in a folder below work, and returns it. A folder that is there already is taken as it
// is: it has its name only after all its trainings.
func (f *file) train(work string) (string, error) {
	dir := filepath.Join(work, f.name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part := dir + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o777)); err != nil {
		return "", err
	}
	for _, line := range f.trainings() {
		if err := imago(part, strings.Fields(line)[1:]...); err != nil {
			return "", err
		}
	}
	return dir, os.Rename(part, dir)
}

// sheet returns the pictures of a file of arrays, without titles and margins, as a PNG file.
func (f *file) sheet(arrays string) ([]byte, error) {
	a, err := os.Open(arrays)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	info, err := a.Stat()
	if err != nil {
		return nil, err
	}
	r, err := numpy.NewReader(a, info.Size())
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
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, sheet(x.U8(), s[0], s[1], s[2], s[3], f.columns))
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
