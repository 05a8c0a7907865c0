package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/imageio"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/viz"
)

// reconstruct draws images beside what a model makes of them.
func (a *app) reconstruct() *cobra.Command {
	var (
		from   source
		set    setFlags
		n      int
		cols   int
		invert bool
		out    string
	)
	c := &cobra.Command{
		Use:   "reconstruct <run> [<image>...]",
		Short: "Draw images beside what a model makes of them",
		Long: `reconstruct encodes and decodes images, and draws each above its reconstruction: the first images of the test set, or
the PNG and JPEG files that are named, cropped and resized to fit the model.`,
		Example: `  imago reconstruct latest
  imago reconstruct cnn-vae-mnist-001 my-seven.png my-four.jpg --invert`,
		Args: takes(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVarP(&n, "count", "n", 20, "`number` of images of the set")
	f.IntVar(&cols, "cols", 10, "images a `row`")
	f.BoolVar(&invert, "invert", false, "turn black to white in the images named: MNIST is white on black, paper is not")
	f.StringVar(&out, "out", "reconstruct.png", "PNG `file` to write")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, err := range []error{atLeast("count", n, 1), atLeast("cols", cols, 1), pngName(out), set.check()} {
			if err != nil {
				return usage(c, err)
			}
		}
		var files []string
		if from.weights == "" && len(args) > 0 {
			args, files = args[:1], args[1:]
		} else {
			args, files = nil, args
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		var images data.Images
		if len(files) > 0 {
			images, err = readImages(files, m.Image(), invert)
		} else {
			var s *data.Set
			var split data.Split
			if s, split, err = a.openSplit(c, m, &set); err == nil {
				m.title = m.titleOf(s, &set)
				images, err = firstImages(split.Images, n)
			}
		}
		if err != nil {
			return err
		}
		return a.drawPairs(c.Context(), m, images, cols, out)
	}
	return c
}

func (a *app) drawPairs(ctx context.Context, m *opened, images data.Images, cols int, out string) error {
	made, err := m.Reconstruct(ctx, images)
	if err != nil {
		return err
	}
	h, w, c := images.Shape()
	index := make([]int32, images.Len())
	for i := range index {
		index[i] = int32(i)
	}
	originals := make([]float32, len(made))
	if err := data.Floats(ctx, images, index, originals); err != nil {
		return err
	}
	picture, err := viz.Pairs(originals, made, images.Len(), h, w, c, viz.PairsOptions{Cols: cols, Title: m.title})
	if err != nil {
		return err
	}
	return a.writePNG(out, picture, "%s and what %s makes of them", plural(images.Len(), "image"), m.name)
}

// firstImages copies the first n images, or all if there are fewer.
func firstImages(images data.Images, n int) (data.Images, error) {
	h, w, c := images.Shape()
	n = min(n, images.Len())
	pix := make([]uint8, n*h*w*c)
	for i := range n {
		if err := images.At(i, pix[i*h*w*c:(i+1)*h*w*c]); err != nil {
			return nil, err
		}
	}
	return data.NewInMemory(pix, n, h, w, c)
}

// readImages reads image files and makes them fit a model: its channels, its proportions by a crop of the middle, its
// size.
func readImages(files []string, img model.Image, invert bool) (data.Images, error) {
	var pix []uint8
	for _, name := range files {
		p, err := readImage(name)
		if err != nil {
			return nil, err
		}
		// The largest crop of the model's proportions: of a square model, the largest square.
		h, w := p.H, p.W
		if h*img.W > w*img.H {
			h = max(1, w*img.H/img.W)
		} else {
			w = max(1, h*img.W/img.H)
		}
		p = imageio.Resize(p.Crop(h, w).Channels(img.C), img.H, img.W)
		for _, v := range p.Pix {
			if invert {
				v = 255 - v
			}
			pix = append(pix, v)
		}
	}
	return data.NewInMemory(pix, len(files), img.H, img.W, img.C)
}

func readImage(name string) (imageio.Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return imageio.Image{}, err
	}
	defer f.Close()
	m, err := imageio.Decode(f, imageio.Limits{})
	if err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}
