package cli

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	datatable "github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/models/model"
)

// atLeast returns an error if n, the value of the flag --name, is below least.
func atLeast(name string, n, least int) error {
	if n < least {
		return fmt.Errorf("--%s %d: want %d or more", name, n, least)
	}
	return nil
}

// oneOf returns an error if word, the value of the flag --name, is none of words.
func oneOf(name, word string, words ...string) error {
	for _, w := range words {
		if w == word {
			return nil
		}
	}
	return fmt.Errorf("--%s %q: want %s", name, word, strings.Join(words, " or "))
}

// threadsFlag declares --threads.
func threadsFlag(c *cobra.Command, n *int) {
	c.Flags().IntVar(n, "threads", 0, "`number` of threads; 0 means one for each processor")
}

// seedFlag declares --seed; use says what the random numbers are for.
func seedFlag(c *cobra.Command, seed *uint64, use string) {
	c.Flags().Uint64Var(seed, "seed", 0, "`seed` of "+use)
}

// outFlag declares --out of a command that writes a PNG file.
func outFlag(c *cobra.Command, name *string, preset string) {
	c.Flags().StringVar(name, "out", preset, "PNG `file` to write")
}

// runsFlag declares --out of a command that trains.
func runsFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "out", runsDir, "`folder` to make the run in")
}

// invertFlag declares --invert of a command that reads image files.
func invertFlag(c *cobra.Command, invert *bool) {
	c.Flags().BoolVar(invert, "invert", false, "exchange black and white in the image files: MNIST is white on black, paper is not")
}

// labelsFlag declares --as, the labels that a conditional model is given; note follows the text.
func labelsFlag(c *cobra.Command, labels *string, note string) {
	c.Flags().StringVar(labels, "as", "", "for a conditional model: `class` or attributes of the images to make, with commas between"+note)
}

// encodedFlag declares --encoded: how many images of a large training set a command encodes.
func encodedFlag(c *cobra.Command, n *int) {
	c.Flags().IntVar(n, "encoded", 20000, "training `images` to encode, evenly spaced in the set; 0 means all")
}

// hideFlag removes a flag from the help of a command that sets it itself.
func hideFlag(c *cobra.Command, name string) { c.Flags().Lookup(name).Hidden = true }

// axisFlags are the flags --lo and --hi: the range of both axes of a plane.
type axisFlags struct{ lo, hi float64 }

// addFlags declares the flags; note follows the text of --hi.
func (x *axisFlags) addFlags(c *cobra.Command, note string) {
	c.Flags().Float64Var(&x.lo, "lo", -4, "lower end of both axes")
	c.Flags().Float64Var(&x.hi, "hi", 4, "upper end of both axes"+note)
}

// check returns an error if the range is empty or infinite.
func (x *axisFlags) check() error {
	if !(x.lo < x.hi) || math.IsInf(x.hi-x.lo, 0) {
		return fmt.Errorf("--lo %v --hi %v: want finite numbers, the first below the second", x.lo, x.hi)
	}
	return nil
}

// changed reports whether the user gave one of the flags.
func (x *axisFlags) changed(c *cobra.Command) bool {
	return c.Flags().Changed("lo") || c.Flags().Changed("hi")
}

// shapeFlag declares --shape; note precedes the text.
func shapeFlag(c *cobra.Command, shape *string, note string) {
	c.Flags().StringVar(shape, "shape", "", note+"`shape`: rows, columns and channels of the images (default those that the recipe is published for, as 28x28x1)")
}

// imageOf returns the image that a recipe is published for.
func imageOf(rec model.Recipe) medium.Item {
	shape := rec.PublishedImage()
	return pixels.Item(shape[0], shape[1], shape[2])
}

// sizeAdvice matches an advice about images that are resized as they are read.
var sizeAdvice = regexp.MustCompile(`--size (\d+)`)

// buildFor returns the model of a configuration for items that --shape names: the error advises another --shape.
func (a *app) buildFor(cfg model.Config, item medium.Item, labels int) (*model.Model, error) {
	m, err := cfg.New(model.Input{Item: item, Labels: labels})
	if err != nil {
		text := a.errorText(err)
		if _, _, channels, bad := medium.HWC(item); bad == nil {
			text = sizeAdvice.ReplaceAllString(text, fmt.Sprintf("--shape ${1}x${1}x%d", channels))
		}
		return nil, errors.New(text)
	}
	return m, nil
}

// defaultLabels is the number of classes where no data set gives it: that of MNIST.
const defaultLabels = 10

// maxSide is the largest number of rows or columns that --shape takes.
const maxSide = 4096

// parseShape returns the item that the value of --shape names: 28x28x1 or, with one channel, 28x28 for images; 30 for
// the rows of a table of 30 columns.
func parseShape(s string) (medium.Item, error) {
	bad := fmt.Errorf("--shape %q: want rows x columns x channels, as 28x28x1, up to %d rows and columns, and 1 to %d channels; or the columns of a table, as 30", s, maxSide, pixels.MaxChannels)
	var axes []int
	for part := range strings.SplitSeq(s, "x") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > maxSide {
			return medium.Item{}, bad
		}
		axes = append(axes, n)
	}
	switch {
	case len(axes) == 1:
		return datatable.Item(make([]datatable.Column, axes[0])), nil
	case len(axes) == 2:
		return pixels.Item(axes[0], axes[1], 1), nil
	case len(axes) == 3 && axes[2] <= pixels.MaxChannels:
		return pixels.Item(axes[0], axes[1], axes[2]), nil
	}
	return medium.Item{}, bad
}

// tileScale returns the factor that enlarges a picture of one item to side pixels.
func tileScale(item medium.Item, side int) int {
	h, w, _ := medium.TileSize(item)
	return max(1, side/max(h, w))
}
