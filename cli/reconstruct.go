package cli

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/viz"
)

// reconstruct returns the command reconstruct: it draws images and their reconstructions.
func (a *app) reconstruct() *cobra.Command {
	var (
		from modelSource
		pick inputFlags
		cols int
		out  string
	)
	c := &cobra.Command{
		Use:   "reconstruct <run> [<image>...]",
		Short: "Draw images and their reconstructions",
		Long: `reconstruct encodes and decodes images, and draws each above its reconstruction. The images are the first of the test set,
those of --index, or PNG and JPEG files, cropped and resized to fit the model.`,
		Example: `  imago reconstruct latest
  imago reconstruct cnn-vae-mnist-001 my-seven.png my-four.jpg --invert`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&cols, "cols", 10, "images in a `row`")
	outFlag(c, &out, "reconstruct.png")
	pick.addFlags(c, 20)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("cols", cols, 1), checkPNGName(out), pick.check(files)); err != nil {
			return usage(c, err)
		}
		m, images, err := a.openModelAndInputs(c, args, &from, &pick, files)
		if err != nil {
			return err
		}
		defer m.Close()
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
		return a.writePNG(out, picture, "%s and their reconstructions by %s", plural(n, "image"), m.name)
	}
	return c
}

// readImages reads image files and fits them to a model: it crops the middle to the proportions of the model's images,
// resizes it, and converts the channels. With invert it exchanges black and white.
func readImages(files []string, img model.Image, invert bool) (data.Items, error) {
	var pix []uint8
	for _, name := range files {
		p, err := readImage(name)
		if err != nil {
			return nil, err
		}
		// The largest crop with the proportions of the model's images.
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

// readImage reads a PNG or JPEG file.
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
