package cli

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// The paths between two codes that --path takes.
const (
	linearPath    = "linear"
	sphericalPath = "spherical"
	bothPaths     = "both"
)

var pathByName = map[string]latent.Interpolation{linearPath: latent.Linear, sphericalPath: latent.Spherical}

// choosePaths returns the paths to take between codes of a model. With one unit there is no way
// round the origin, so only a user who asks for the spherical path is given it.
func (a *app) choosePaths(c *cobra.Command, m *trainedModel, path string) []string {
	switch {
	case m.Latent() == 1 && path != linearPath && !c.Flags().Changed("path"):
		fmt.Fprintln(a.err, "the model has one latent unit, in which no path leads round the origin: the path is linear")
		return []string{linearPath}
	case m.Latent() == 1 && path != linearPath:
		a.warn("the model has one latent unit, in which no path leads round the origin: between codes of opposite signs the spherical path jumps half way")
	}
	if path == bothPaths {
		return []string{linearPath, sphericalPath}
	}
	return []string{path}
}

// interpolate returns the command interpolate: it draws images decoded between two codes.
func (a *app) interpolate() *cobra.Command {
	var (
		from  modelSource
		pick  inputFlags
		steps int
		path  string
		out   string
	)
	c := &cobra.Command{
		Use:   "interpolate <run> [<image> <image>...]",
		Short: "Draw the images between two images",
		Long: `interpolate encodes images in pairs and decodes codes between the two codes of each pair: along the straight line and
along the great circle (slerp), one row each. The images are picture files, cropped and resized to fit the model,
or images of the set: those of --index, or the first. The original images are at the ends of a row.

With --seeds it interpolates between codes drawn from the prior, from each seed to the next. So it does for a model
without an encoder, as a GAN, if no images are named. For images of such a model it finds the codes by gradient
descent, as imago invert does.

Codes drawn from a prior of many units lie near a sphere, and the straight line between two of them leaves it. The
great circle keeps between the lengths of its two codes. Between the means of two images the two paths often look
alike. With one latent unit there is the straight line only.`,
		Example: `  imago interpolate latest
  imago interpolate latest --index 7,2 --steps 16
  imago interpolate face-vae-celeba-001 me.jpg you.jpg --path spherical
  imago interpolate dcgan-mnist-001 --seeds 3,7,11`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&steps, "steps", 9, "decoded `images` in a row, both ends included")
	f.StringVar(&path, "path", bothPaths, "`path` between the codes: linear, spherical or both")
	outFlag(c, &out, "interpolate.png")
	pick.addSeedFlags(c)
	pick.addFlags(c, 8)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("steps", steps, 2), oneOf("path", path, linearPath, sphericalPath, bothPaths), checkPNGName(out), pick.check(files)); err != nil {
			return usage(c, err)
		}
		switch n := pick.countNamed(files); {
		case len(pick.seeds) == 1:
			return usagef(c, "--seeds %d: want two or more, as 3,7,11", pick.seeds[0])
		case pick.seeds != nil:
			pick.seeds = slices.Concat(consecutivePairs(pick.seeds)...)
		case n%2 == 1 && len(files) != 1: // one file may hold several, as texts
			return usagef(c, "%s: want an even number of them, two for each row", english.Plural(n, "image"))
		}
		pick.n += pick.n % 2
		m, images, err := a.openModelAndInputs(c, args, &from, &pick, files)
		if err != nil {
			return err
		}
		defer m.Close()
		pairs := images.images.Len() / 2
		if pairs == 0 {
			return fmt.Errorf("interpolate: there is one %s: want two", m.noun())
		}
		if n := images.images.Len(); n%2 == 1 {
			return fmt.Errorf("interpolate: %s: want an even number of them, two for each row", english.Plural(n, m.noun()))
		}
		codes, err := a.inputCodes(c.Context(), m, images)
		if err != nil {
			return err
		}
		pix, err := images.pixels(c.Context())
		if err != nil {
			return err
		}
		paths := a.choosePaths(c, m, path)
		var z []float32
		var rows []string
		units := m.Latent()
		for k := range pairs {
			for _, name := range paths {
				part, err := latent.Interpolate(pathByName[name], codes[2*k*units:(2*k+1)*units], codes[(2*k+1)*units:(2*k+2)*units], steps)
				if err != nil {
					return err
				}
				z, rows = append(z, part...), append(rows, name)
			}
		}
		labels, err := m.labelsOf(images.images)
		if err != nil {
			return err
		}
		made, err := m.DecodeAs(c.Context(), z, interpolateLabels(labels, pairs, len(paths), steps))
		if err != nil {
			return err
		}
		sheet := sheetBuffer{img: m.Item()}
		for r := range rows {
			k := r / len(paths)
			sheet.add(pix, 2*k, 1)
			sheet.add(made, r*steps, steps)
			sheet.add(pix, 2*k+1, 1)
		}
		cols := append(append([]string{m.noun()}, slices.Repeat([]string{""}, steps)...), m.noun())
		for i := range steps {
			cols[1+i] = fmt.Sprintf("%.2g", float64(i)/float64(steps-1))
		}
		img := m.Item()
		picture, err := viz.Sheet(img, sheet.pix, len(rows), steps+2, viz.SheetOptions{
			Title: images.title + ": the way from one code to another, decoded", Rows: rows, Cols: cols, Lead: 1, Tail: 1,
			Note: m.note("above a column: the share of the way; linear: along the straight line, spherical: the direction and the length turn and change evenly"),
		})
		if err != nil {
			return err
		}
		if err := a.writePNG(out, picture, "%s, %d %ss each, between %[3]ss by %[4]s", english.Plural(len(rows), "path"), steps, m.noun(), m.name); err != nil {
			return err
		}
		var titles []string
		for _, path := range rows {
			titles = append(titles, "from")
			for _, share := range cols[1 : 1+steps] {
				titles = append(titles, path+", "+share+" of the way")
			}
			titles = append(titles, "to")
		}
		if err := a.writeBeside(out, img, sheet.pix, titles); err != nil {
			return err
		}
		a.printTexts(img, steps+2, sheet.pix)
		return nil
	}
	return c
}

// consecutivePairs returns each value with the one that follows it.
func consecutivePairs(values []uint) [][]uint {
	var all [][]uint
	for i := range len(values) - 1 {
		all = append(all, values[i:i+2])
	}
	return all
}

// interpolateLabels returns labels interpolated linearly between the two images of each pair, repeated for each path:
// labels (2·pairs, K) → (pairs·paths·steps, K). It returns nil for nil.
func interpolateLabels(labels []float32, pairs, paths, steps int) []float32 {
	if labels == nil {
		return nil
	}
	var all []float32
	k := len(labels) / (2 * pairs)
	for p := range pairs {
		for range paths {
			for s := range steps {
				row := make([]float32, k)
				latent.Linear(labels[2*p*k:(2*p+1)*k], labels[(2*p+1)*k:(2*p+2)*k], float64(s)/float64(steps-1), row)
				all = append(all, row...)
			}
		}
	}
	return all
}
