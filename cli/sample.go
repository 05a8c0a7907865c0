package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/prob/mixture"
	"github.com/imago-ml/imago/viz"
)

// sample draws images from a trained model.
func (a *app) sample() *cobra.Command {
	var (
		from   modelSource
		n      int
		cols   int
		out    string
		seed   uint64
		titles bool
		prior  string
		as     string
		cut    truncation
	)
	c := &cobra.Command{
		Use:   "sample [<run or weights file>]",
		Short: "Draw images from a trained model",
		Long: `sample decodes codes drawn from the model's prior, N(0, I) of most models, and writes the images as one sheet. The same
seed draws the same sheet. No data set is needed, and a weights file alone is enough.

A conditional model draws a row of each of its classes, or attributes, the same codes in each: style down the columns. With
--as it draws what is named.

--truncation draws every unit of a code again that is further from 0 than so much. The lower it is, the more typical are the
images, and the more alike.`,
		Example: `  imago sample latest
  imago sample cnn-vae-mnist-001 -n 100 --seed 7 --out hundred.png
  imago sample dcgan-mnist-001 --truncation 0.7
  imago sample mlp-ae-mnist-001 --prior mixture
  imago sample --weights weights.safetensors`,
		Args: argCount(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.IntVarP(&n, "count", "n", 64, "`number` of images")
	f.StringVar(&out, "out", "sample.png", "PNG `file` to write")
	f.Uint64Var(&seed, "seed", 0, "`seed` of the draw")
	f.IntVar(&cols, "cols", 0, "images a `row`; 0 makes the sheet about square")
	f.BoolVar(&titles, "codes", false, "write the code under each image")
	f.StringVar(&prior, "prior", "own", "what codes are `drawn` from: the model's own prior, or the mixture that imago fit-prior fitted to its codes")
	f.StringVar(&as, "as", "", "`class` or attributes of what a conditional model makes, with commas between (default a row of each)")
	cut.addFlag(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := errors.Join(atLeast("count", n, 1), atLeast("cols", cols, 0), oneOf("prior", prior, "own", "mixture"), cut.check(), checkPNGName(out)); err != nil {
			return usage(c, err)
		}
		if prior == "mixture" && cut.isSet() {
			return usagef(c, "--truncation %v is for draws from N(0, I), not for --prior mixture", cut.limit)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		var fitted *mixture.Mixture
		if prior == "mixture" {
			if fitted, err = m.fittedPrior(); err != nil {
				return err
			}
		} else if !m.HasPrior() {
			return fmt.Errorf("sample: %s is %s, which has no prior to draw codes from; fit one to its codes with imago fit-prior and draw from it with --prior mixture", m.name, m.recipe)
		}
		d := sampler{m: m, fitted: fitted, truncation: cut, key: sampleKey(seed)}
		if !d.decodesCodes() && (titles || cut.isSet()) {
			flag := "codes"
			if cut.isSet() {
				flag = "truncation"
			}
			return usagef(c, "--%s: %s draws by itself, not by codes from N(0, I)", flag, m.recipe)
		}
		if as == "" && d.labelCount() > 0 {
			return a.sampleClasses(c.Context(), d, max(1, n/d.labelCount()), out)
		}
		labels, err := m.labelRows(as, d.labelCount(), n)
		if err != nil {
			return usage(c, err)
		}
		pix, z, err := d.images(c.Context(), n, labels)
		if err != nil {
			return err
		}
		opt := viz.GridOptions{}
		if titles {
			opt.Titles = codeTitles(z, n)
		}
		if cols == 0 {
			cols = squareCols(n)
		}
		img := m.Image()
		sheet, err := viz.Grid(pix, n, img.H, img.W, img.C, cols, opt)
		if err != nil {
			return err
		}
		return a.writePNG(out, sheet, "%s from %s%s", plural(n, "image"), m.name, cut)
	}
	return c
}

// sampleKey returns where the codes of a seed are drawn, of --seeds as of sample.
func sampleKey(seed uint64) rng.Key { return rng.New(seed).Split("sample") }

// A truncation is the flag that says how far from 0 a unit of a code that is drawn may be.
type truncation struct{ limit float64 }

func (t *truncation) addFlag(c *cobra.Command) {
	c.Flags().Float64Var(&t.limit, "truncation", 0, "draw each unit of a code again that is further than this `limit` from 0; 0 is no limit")
}

func (t truncation) check() error {
	if !(t.limit >= 0) || math.IsInf(t.limit, 0) {
		return fmt.Errorf("--truncation %v: want 0 or a number above it, as 0.7", t.limit)
	}
	return nil
}

func (t truncation) isSet() bool { return t.limit > 0 }

// String returns what to say after the name of a model.
func (t truncation) String() string {
	if !t.isSet() {
		return ""
	}
	return fmt.Sprintf(", truncated at %v", t.limit)
}

// codes draws n codes of so many units.
func (t truncation) codes(key rng.Key, n, units int) []float32 {
	if t.isSet() {
		return latent.SampleTruncatedPrior(key, n, units, t.limit)
	}
	return latent.SamplePrior(key, n, units)
}

// A sampler is how images are drawn: from a mixture fitted to the codes, from N(0, I), or as the model does itself.
type sampler struct {
	m          *trainedModel
	fitted     *mixture.Mixture // or nil
	truncation truncation
	key        rng.Key
}

// decodesCodes says whether images are decoded from codes.
func (d sampler) decodesCodes() bool {
	own := d.m.Model().Sample != nil
	return d.fitted != nil || !own || d.truncation.isSet() && d.m.StandardPrior()
}

// labelCount returns how many labels of an image are wanted.
func (d sampler) labelCount() int {
	if d.decodesCodes() {
		return d.m.DecodeLabels()
	}
	return d.m.SampleLabels()
}

// images draws n images of those labels, the same but for what the labels say; z is their codes, or nil.
func (d sampler) images(ctx context.Context, n int, labels []float32) (pix, z []float32, err error) {
	switch {
	case d.fitted != nil:
		if z, err = d.fitted.Draw(d.key, n); err != nil {
			return nil, nil, err
		}
	case d.decodesCodes():
		z = d.truncation.codes(d.key, n, d.m.Latent())
	default:
		pix, err = d.m.Sample(ctx, d.key, n, labels)
		return pix, nil, err
	}
	pix, err = d.m.DecodeAs(ctx, z, labels)
	return pix, z, err
}

// sampleClasses draws a sheet of a conditional model: a row a label, n images each, the columns of one draw.
func (a *app) sampleClasses(ctx context.Context, d sampler, n int, out string) error {
	names := d.m.labelNames(d.labelCount())
	var all []float32
	for k := range names {
		one := make([]float32, len(names))
		one[k] = 1
		pix, _, err := d.images(ctx, n, slices.Repeat(one, n))
		if err != nil {
			return err
		}
		all = append(all, pix...)
	}
	img := d.m.Image()
	sheet, err := viz.Sheet(all, len(names), n, img.H, img.W, img.C, viz.SheetOptions{Title: d.m.title, Rows: names})
	if err != nil {
		return err
	}
	return a.writePNG(out, sheet, "%s for each of %s from %s%s", plural(n, "image"), plural(len(names), "label"), d.m.name, d.truncation)
}

// squareCols makes a sheet of n images about square: the least whole number whose square is n or more.
func squareCols(n int) int {
	c := 1
	for c*c < n {
		c++
	}
	return c
}

// codeTitles returns each of n codes as text, cut after three units.
func codeTitles(z []float32, n int) []string {
	titles, units := make([]string, n), len(z)/n
	for i := range titles {
		for u, v := range z[i*units : (i+1)*units] {
			if u == 3 {
				titles[i] += " …"
				break
			}
			if u > 0 {
				titles[i] += " "
			}
			titles[i] += fmt.Sprintf("%.2f", v)
		}
	}
	return titles
}
