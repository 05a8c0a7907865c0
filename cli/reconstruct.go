package cli

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
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
		Long: `reconstruct encodes and decodes images, and draws each above its reconstruction. The images are the first of the test
set, those of --index, or picture files, cropped and resized to fit the model. Other files than a .png hold the
reconstructions alone: one file each (--out decoded/), arrays (.npz), or rows in the units of a table (.csv, .json,
.jsonl, .parquet, or - for standard output).`,
		Example: `  imago reconstruct latest
  imago reconstruct cnn-vae-mnist-001 my-seven.png my-four.jpg --invert
  imago reconstruct mlp-vae-transactions-001 --count 1000 --out decoded.csv`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&cols, "cols", 10, "images in a `row`")
	itemsOutFlag(c, &out, "reconstruct.png")
	pick.addFlags(c, 20)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("cols", cols, 1), itemsOut(out).check(), pick.check(files)); err != nil {
			return usage(c, err)
		}
		stdout := a.redirect(out)
		m, images, err := a.openModelAndInputs(c, args, &from, &pick, files)
		if err != nil {
			return err
		}
		defer m.Close()
		if err := itemsOut(out).checkItem(m.Item()); err != nil {
			return usage(c, err)
		}
		made, err := m.Reconstruct(c.Context(), images.images)
		if err != nil {
			return err
		}
		originals, err := images.pixels(c.Context())
		if err != nil {
			return err
		}
		img, n := m.Item(), images.images.Len()
		picture := func() (image.Image, error) {
			return viz.Pairs(img, originals, made, viz.PairsOptions{Cols: cols, Title: fmt.Sprintf("%s: each %s above its reconstruction", images.title, m.noun()), Note: m.note()})
		}
		items := &madeItems{item: img, values: made, names: images.names, lead: []namedCells{{"from", images.names}}}
		if t, ok := img.Medium.(medium.Texter); ok {
			of := make([]string, n)
			for i := range of {
				of[i] = t.Text(img, originals[i*img.Size():(i+1)*img.Size()])
			}
			items.lead = append(items.lead, namedCells{"original", of})
		}
		reconstructions := "their reconstructions"
		if n == 1 {
			reconstructions = "its reconstruction"
		}
		if err := a.writeItems(stdout, itemsOut(out), items, picture, "%s and %s by %s", english.Plural(n, m.noun()), reconstructions, m.name); err != nil || out == stdoutName {
			return err
		}
		a.printTexts(img, 0, originals, made)
		return nil
	}
	return c
}

// readItems reads files of a medium and fits them to a model: images are cropped and resized. names are those of the
// files, followed by a number from 1 where a file holds several items.
func readItems(files []string, item medium.Item, invert bool) (items data.Items, names []string, err error) {
	if invert && item.Element != medium.Levels {
		return nil, nil, fmt.Errorf("--invert is for images: it turns black to white")
	}
	var values []float32
	for _, name := range files {
		v, err := readItem(name, item)
		if err != nil {
			return nil, nil, err
		}
		n := len(v) / item.Size()
		for i := range n {
			if n > 1 {
				names = append(names, fmt.Sprintf("%s %d", name, i+1))
			} else {
				names = append(names, name)
			}
		}
		values = append(values, v...)
	}
	if invert {
		for i, v := range values {
			values[i] = 1 - v
		}
	}
	items, err = data.FromFloats(values, item)
	return items, names, err
}

// readItem reads the items in a file, (n, Shape).
func readItem(name string, item medium.Item) ([]float32, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := memory.ReadFull(f, imageio.DefaultMaxBytes+1, "the file %s", name)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if len(b) > imageio.DefaultMaxBytes {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, imageio.ErrTooLarge, imageio.DefaultMaxBytes)
	}
	values, err := item.Medium.Decode(item, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, nil
}
