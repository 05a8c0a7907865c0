package cli

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"io"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/viz"
)

// sample returns the command sample: it generates images with a trained model.
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
		tokens tokenFlags
	)
	c := &cobra.Command{
		Use:   "sample [<run or weights file>]",
		Short: "Generate images with a trained model",
		Long: `sample decodes codes drawn from the model's prior, which is N(0, I) for most models, and writes the
images as one sheet, as one file each (--out made/), as arrays (.npz), or as the rows of a table in
the units of its columns (.csv, .json, .jsonl, .parquet, or - for standard output). Sounds, melodies and texts are written beside the
sheet too, as .wav, .mid and .txt, or alone by --out with such a name. The same seed
gives the same sheet. No data set is needed: a file of weights alone is enough.

A conditional model makes one row for each of its classes or attributes, with the same codes in each row, so that
style is constant down a column. With --as it makes images with those labels only.

--truncation draws each unit of a code again until its distance from 0 is at most the limit. A lower limit gives
images that are more typical, and more alike.`,
		Example: `  imago sample latest
  imago sample cnn-vae-mnist-001 -n 100 --seed 7 --out hundred.png
  imago sample dcgan-mnist-001 --truncation 0.7
  imago sample mlp-ae-mnist-001 --prior mixture
  imago sample latest -n 1000 --out made/
  imago sample mlp-vae-transactions-001 -n 1000 --out made.csv
  imago sample sentence-vae-ptb-001 --temperature 0.8 --top-p 0.9
  imago sample --weights weights.safetensors`,
		Args: argCount(0, 1, "a run or a weights file"),
	}
	f := c.Flags()
	f.IntVarP(&n, "count", "n", 64, "`number` of images")
	itemsOutFlag(c, &out, "sample.png")
	seedFlag(c, &seed, "the codes")
	f.IntVar(&cols, "cols", 0, "images in a `row`; 0 makes the sheet about square")
	f.BoolVar(&titles, "codes", false, "write the code under each image")
	f.StringVar(&prior, "prior", "own", "`distribution` of the codes: own, the model's prior, or mixture, which imago fit-prior fitted to its codes")
	labelsFlag(c, &as, " (default a row of each)")
	cut.addFlag(c)
	tokens.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(atLeast("count", n, 1), atLeast("cols", cols, 0), oneOf("prior", prior, "own", "mixture"), cut.check(), itemsOut(out).check()); err != nil {
			return usage(c, err)
		}
		if prior == "mixture" && cut.isSet() {
			return usagef(c, "--truncation %v is for draws from N(0, I), not for --prior mixture", cut.limit)
		}
		stdout := a.redirect(out)
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		if err := itemsOut(out).checkItem(m.Item()); err != nil {
			return usage(c, err)
		}
		var fitted *latent.Density
		if prior == "mixture" {
			if fitted, err = m.fittedPrior(); err != nil {
				return err
			}
		} else if !m.HasPrior() {
			return fmt.Errorf("sample: %s is %s, which has no prior to draw codes from; fit one to its codes with imago fit-prior and draw from it with --prior mixture", m.name, m.recipe)
		}
		if err := tokens.check(m); err != nil {
			return usage(c, err)
		}
		d := sampler{m: m, fitted: fitted, truncation: cut, tokens: tokens, key: latent.SampleKey(seed)}
		if !d.decodesCodes() && (titles || cut.isSet()) {
			flag := "codes"
			if cut.isSet() {
				flag = "truncation"
			}
			return usagef(c, "--%s: %s does not sample by decoding codes from N(0, I)", flag, m.recipe)
		}
		if as == "" && d.labelCount() > 0 {
			return a.sampleClasses(c.Context(), stdout, d, max(1, n/d.labelCount()), itemsOut(out))
		}
		labels, err := m.labelRows(as, d.labelCount(), n)
		if err != nil {
			return usage(c, err)
		}
		pix, z, err := d.images(c.Context(), n, labels)
		if err != nil {
			return err
		}
		opt := viz.GridOptions{Title: m.title + ": samples", Note: m.note()}
		if titles {
			opt.Titles, opt.Note = codeTitles(z, n), m.note("below each: the code that it is decoded from")
		}
		if cols == 0 {
			cols = squareCols(n)
		}
		made := &madeItems{item: m.Item(), values: pix, labels: m.classesOf(labels)}
		if z != nil {
			made.more = []namedArray{{"z", z, m.Latent()}}
		}
		sheet := func() (image.Image, error) { return viz.Grid(m.Item(), pix, cols, opt) }
		if err := a.writeItems(stdout, itemsOut(out), made, sheet, "%s from %s%s", english.Plural(n, m.noun()), m.name, cut); err != nil || out == stdoutName {
			return err
		}
		a.printTexts(m.Item(), 0, pix)
		return nil
	}
	return c
}

// A truncation is the flag --truncation: the largest distance from 0 of a unit of a drawn code.
type truncation struct{ limit float64 }

// addFlag declares the flag.
func (t *truncation) addFlag(c *cobra.Command) {
	c.Flags().Float64Var(&t.limit, "truncation", 0, "draw each unit of a code again until it is within this `limit` of 0; 0 means no limit")
}

// check returns an error if the limit is negative or not finite.
func (t truncation) check() error {
	if !(t.limit >= 0) || math.IsInf(t.limit, 0) {
		return fmt.Errorf("--truncation %v: want 0 or a number above it, as 0.7", t.limit)
	}
	return nil
}

// isSet reports whether there is a limit.
func (t truncation) isSet() bool { return t.limit > 0 }

// String returns the text that follows the name of the model in a message.
func (t truncation) String() string {
	if !t.isSet() {
		return ""
	}
	return fmt.Sprintf(", truncated at %v", t.limit)
}

// codes returns n codes drawn from N(0, I) within the limit, (n, units).
func (t truncation) codes(key rng.Key, n, units int) []float32 {
	if t.isSet() {
		return latent.SampleTruncatedPrior(key, n, units, t.limit)
	}
	return latent.SamplePrior(key, n, units)
}

// A sampler generates images: from codes of a fitted mixture, from codes of N(0, I), or by the model's own sampler.
type sampler struct {
	m          *trainedModel
	fitted     *latent.Density // or nil
	truncation truncation
	tokens     tokenFlags
	key        rng.Key
}

// decodesCodes reports whether the images are decoded from codes, rather than drawn by the model's own sampler.
func (d sampler) decodesCodes() bool {
	own := d.m.Model().Sample != nil
	return d.fitted != nil || !own || d.truncation.isSet() && d.m.StandardPrior()
}

// labelCount returns the number of labels of an image, 0 if the model is not conditional.
func (d sampler) labelCount() int {
	if d.decodesCodes() {
		return d.m.DecodeLabels()
	}
	return d.m.SampleLabels()
}

// images returns n images with the given labels, and their codes or nil. Equal keys give equal codes, whatever the
// labels.
func (d sampler) images(ctx context.Context, n int, labels []float32) (pix, z []float32, err error) {
	if err := memory.Check(4*int64(n)*int64(d.m.Item().Size()+2*d.m.Latent()), "an array of %s images of %v", thousands(n), d.m.Item()); err != nil {
		return nil, nil, fmt.Errorf("%w; or make fewer of them: --count", err)
	}
	switch {
	case d.fitted != nil:
		if z, err = d.fitted.Draw(d.key, n, labels); err != nil {
			return nil, nil, err
		}
	case d.decodesCodes():
		z = d.truncation.codes(d.key, n, d.m.Latent())
	default:
		pix, err = d.m.Sample(ctx, d.key, n, labels)
		return pix, nil, err
	}
	pix, err = d.tokens.decode(ctx, d.m, d.key, z, labels)
	return pix, z, err
}

// sampleClasses writes a sheet of images of a conditional model: one row of n images for each label, with the same
// codes in each row.
func (a *app) sampleClasses(ctx context.Context, stdout io.Writer, d sampler, n int, out itemsOut) error {
	names := d.m.labelNames(d.labelCount())
	var all []float32
	var labels []string
	for k := range names {
		one := make([]float32, len(names))
		one[k] = 1
		pix, _, err := d.images(ctx, n, slices.Repeat(one, n))
		if err != nil {
			return err
		}
		all, labels = append(all, pix...), append(labels, slices.Repeat(names[k:k+1], n)...)
	}
	const mostRows = 32 // more labels, of one image each, make a square
	sheet := func() (image.Image, error) {
		if n == 1 && len(names) > mostRows {
			return viz.Grid(d.m.Item(), all, squareCols(len(names)), viz.GridOptions{Title: d.m.title + ": a sample of each label", Note: d.m.note(), Titles: names})
		}
		return viz.Sheet(d.m.Item(), all, len(names), n, viz.SheetOptions{Title: d.m.title + ": samples of each label, one a row", Note: d.m.note(), Rows: names})
	}
	return a.writeItems(stdout, out, &madeItems{item: d.m.Item(), values: all, labels: labels}, sheet, "%s for each of %s from %s%s", english.Plural(n, d.m.noun()), english.Plural(len(names), "label"), d.m.name, d.truncation)
}

// squareCols returns the number of columns of an about square sheet of n images: the least whole number whose square
// is n or more.
func squareCols(n int) int {
	c := 1
	for c*c < n {
		c++
	}
	return c
}

// codeTitles formats each of n codes, up to its third unit.
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
