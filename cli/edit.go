package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// edit returns the command edit: it moves images along the direction of an attribute.
func (a *app) edit() *cobra.Command {
	var (
		from     modelSource
		pick     inputFlags
		name     string
		strength = spread{-3, 3}
		steps    int
		which    string
		way      directionFlags
		out      string
	)
	c := &cobra.Command{
		Use:   "edit <run> --attr <attribute> [<image>...]",
		Short: "Add an attribute to images, or remove it",
		Long: `edit finds the direction in latent space from images without an attribute to images with it, moves the codes of other
images along it, and decodes them: one row for each image, one column for each strength. The images are picture
files, cropped and resized to fit the model, or images of the test set: those of --index, or the first, half of them
without the attribute and half with it.

A strength of 1 is one standard deviation of the training codes along the direction; strength 0 leaves the code as it
is. The distance between images with and without the attribute is printed in the same unit.

The direction is computed from the training images of the run's data set, or of --data:
  mean     the difference of the mean codes with and without the attribute; attributes that often occur together, as
           beards with Male, change together
  partial  a regression of the codes on all attributes at once: the effect of this attribute while the others stay fixed
  unit     the latent unit of the attribute, of a model that was trained with --attributes

A class of the set, as the digit 7, is an attribute too; its direction is the difference of means.`,
		Example: `  imago edit face-vae-celeba-001 --attr Smiling
  imago edit face-vae-celeba-001 --attr Eyeglasses --strength -2..4 --of without
  imago edit face-vae-celeba-001 --attr Male me.jpg`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.StringVar(&name, "attr", "", "`attribute` or class of the set")
	f.Var(&strength, "strength", "lowest and highest strength, in standard `deviations`")
	f.IntVar(&steps, "steps", 7, "`number` of strengths")
	f.StringVar(&which, "of", "both", "which images of the set, without --index: `those` with the attribute, without it, or both")
	outFlag(c, &out, "edit.png")
	way.addFlags(c)
	pick.addFlags(c, 8)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("steps", steps, 2), oneOf("of", which, "with", "without", "both"), way.check(), checkPNGName(out), pick.check(files)); err != nil {
			return usage(c, err)
		}
		if name == "" {
			return usagef(c, "edit wants the attribute to change as --attr")
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		set, split, err := a.openSplit(c, m, &pick.set)
		var kept *trainingCodes
		if err != nil {
			if kept = a.keptCodes(m, &pick.set, err); kept == nil || len(files) == 0 {
				return err
			}
			set = kept.set
		}
		attr, err := attributeOf(set, name)
		if err != nil {
			return usage(c, fmt.Errorf("--attr: %w", err))
		}
		var images *inputImages
		if len(files) > 0 {
			images, err = readInputs(m, &pick, files)
		} else {
			if images, err = pick.selectWith(m, set, split, attr, which); err == nil {
				err = attr.markNames(images, split)
			}
		}
		if err != nil {
			return err
		}
		if kept == nil {
			if kept, err = a.encodeTraining(c.Context(), m, set, way.encoded); err != nil {
				return err
			}
		}
		d, err := kept.direction(m, attr, way)
		if err != nil {
			return err
		}
		codes, err := a.inputCodes(c.Context(), m, images)
		if err != nil {
			return err
		}
		var z []float32
		n, units := images.images.Len(), m.Latent()
		for i := range n {
			z = append(z, d.Move(codes[i*units:(i+1)*units], strength.values(steps))...)
		}
		labels, err := m.labelsOf(images.images)
		if err != nil {
			return err
		}
		made, err := m.DecodeAs(c.Context(), z, repeatRows(labels, n, steps))
		if err != nil {
			return err
		}
		img := m.Item()
		pix, err := images.interleave(c.Context(), img, made, steps)
		if err != nil {
			return err
		}
		picture, err := viz.Sheet(img, pix, n, steps+1, viz.SheetOptions{
			Title: fmt.Sprintf("%s: less of %s to the left, more to the right", images.title, attr.Name),
			Note:  m.note("above a column: how far the code is moved along the direction of " + attr.Name + ", in standard deviations of the training codes; 0 is the code itself"), Rows: images.names, Cols: append([]string{m.noun()}, strength.titles(steps)...), Lead: 1,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s: %s with it lie %.2f deviations further than %s without\n", attr.Name, english.Plural(d.With, "training image"), d.Separation, thousands(d.Without))
		if err := a.writePNG(out, picture, "%s at strengths %s by %s", english.Plural(n, "image"), strength.String(), m.name); err != nil {
			return err
		}
		var titles []string
		for range n {
			titles = append(titles, "itself")
			for _, s := range strength.titles(steps) {
				titles = append(titles, attr.Name+" "+s)
			}
		}
		if err := a.writeBeside(out, img, pix, titles); err != nil {
			return err
		}
		a.printTexts(img, steps+1, pix)
		return nil
	}
	return c
}

// selectImages returns the indices of the first n images of a split that are with the attribute, without it, or half
// and half; those without it come first.
func (t attribute) selectImages(p data.Split, n int, which string) ([]int, error) {
	with, err := t.Mask(p)
	if err != nil {
		return nil, err
	}
	var lists [2][]int // without, with
	for i, w := range with {
		k := 0
		if w {
			k = 1
		}
		lists[k] = append(lists[k], i)
	}
	most := [2]int{(n + 1) / 2, n / 2}
	switch which {
	case "with":
		most = [2]int{0, n}
	case "without":
		most = [2]int{n, 0}
	}
	index := append(lists[0][:min(most[0], len(lists[0])):min(most[0], len(lists[0]))], lists[1][:min(most[1], len(lists[1]))]...)
	if len(index) == 0 {
		return nil, fmt.Errorf("no image of this part of the set is %s %s", which, t.Name)
	}
	return index, nil
}

// markNames appends to the name of each image of a split whether it has the attribute.
func (t attribute) markNames(images *inputImages, p data.Split) error {
	with, err := t.Mask(p)
	if err != nil {
		return err
	}
	for k, i := range images.index {
		if with[i] {
			images.names[k] += ", with"
		} else {
			images.names[k] += ", without"
		}
	}
	return nil
}

// directionFlags are the flags that set how the direction of an attribute is computed.
type directionFlags struct {
	method  string
	encoded int
}

// addFlags declares the flags.
func (d *directionFlags) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&d.method, "direction", latent.ByMean, "`method` that computes the direction: mean, partial or unit")
	encodedFlag(c, &d.encoded)
}

// check returns the first error in the flags.
func (d *directionFlags) check() error {
	if err := oneOf("direction", d.method, latent.ByMean, latent.ByPartial, latent.ByUnit); err != nil {
		return err
	}
	return atLeast("encoded", d.encoded, 0)
}

// direction returns the latent direction of an attribute, from the codes of training items.
func (k *trainingCodes) direction(m *trainedModel, attr attribute, way directionFlags) (latent.Direction, error) {
	d, err := m.Direction(k.mean, k.set, k.split, attr.Trait, way.method)
	if err != nil {
		return d, fmt.Errorf("%s: %w", attr.Name, err)
	}
	return d, nil
}

// selectWith returns the images of set that --index names or, if it is not given, those with and without an attribute,
// which they are.
func (p *inputFlags) selectWith(m *trainedModel, set *data.Set, split data.Split, attr attribute, which string) (*inputImages, error) {
	if p.index != nil {
		return p.selectImages(m, set)
	}
	index, err := attr.selectImages(split, p.n, which)
	if err != nil {
		return nil, err
	}
	return p.images(m, set, split, index)
}
