package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/viz"
)

// reconstruct draws images beside what a model makes of them.
func (a *app) reconstruct() *cobra.Command {
	var (
		from modelSource
		pick inputFlags
		cols int
		out  string
	)
	c := &cobra.Command{
		Use:   "reconstruct <run> [<image>...]",
		Short: "Draw images beside what a model makes of them",
		Long: `reconstruct encodes and decodes images, and draws each above its reconstruction: the first images of the test set, those
of --index, or the PNG and JPEG files that are named, cropped and resized to fit the model.`,
		Example: `  imago reconstruct latest
  imago reconstruct cnn-vae-mnist-001 my-seven.png my-four.jpg --invert`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&cols, "cols", 10, "images a `row`")
	f.StringVar(&out, "out", "reconstruct.png", "PNG `file` to write")
	pick.addFlags(c, 20)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		for _, err := range []error{atLeast("cols", cols, 1), checkPNGName(out), pick.check(files)} {
			if err != nil {
				return usage(c, err)
			}
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		images, err := a.openInputs(c, m, &pick, files)
		if err != nil {
			return err
		}
		made, err := m.Reconstruct(c.Context(), images.images)
		if err != nil {
			return err
		}
		originals, err := images.pixels(c.Context())
		if err != nil {
			return err
		}
		img, n := m.Image(), images.images.Len()
		picture, err := viz.Pairs(originals, made, n, img.H, img.W, img.C, viz.PairsOptions{Cols: cols, Title: images.title})
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "%s and what %s makes of them", plural(n, "image"), m.name)
	}
	return c
}

// readImages reads image files and makes them fit a model: its channels, its proportions by a crop of the middle, its
// size.
func readImages(files []string, img model.Image, invert bool) (data.Items, error) {
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
