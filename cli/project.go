package cli

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/viz"
)

// project draws where a model of many units puts images, laid out in the plane.
func (a *app) project() *cobra.Command {
	var (
		from       modelSource
		set        setFlags
		method     string
		attr       string
		points     int
		perplexity float64
		steps      int
		seed       uint64
		out        string
	)
	c := &cobra.Command{
		Use:   "project <run>",
		Short: "Lay codes of many units out in the plane, by t-SNE or PCA",
		Long: `project encodes images of the run's data set, or of --data, lays their codes out in the plane and colours them by class, or
by an attribute:

  tsne  near codes lie near (t-SNE by Barnes and Hut); how far apart groups lie, and how large they are, tells nothing
  pca   the two principal components, along which the codes vary most`,
		Example: `  imago project latest
  imago project face-vae-celeba-001 --attr Male
  imago project latest --method pca --points 0`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.StringVar(&method, "method", "tsne", "`layout`: tsne or pca")
	f.StringVar(&attr, "attr", "", "`attribute` or class to colour by (default the classes)")
	f.IntVar(&points, "points", 2000, "`images` to lay out, at equal distances in the set; 0 is all")
	f.Float64Var(&perplexity, "perplexity", 30, "with tsne: about how many `neighbours` an image has")
	f.IntVar(&steps, "steps", 750, "with tsne: `steps` of descent")
	f.Uint64Var(&seed, "seed", 0, "with tsne: `seed` of the noise at the start")
	f.StringVar(&out, "out", "project.png", "PNG `file` to write")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, err := range []error{oneOf("method", method, "tsne", "pca"), atLeast("points", points, 0), atLeast("steps", steps, 1), checkPNGName(out)} {
			if err != nil {
				return usage(c, err)
			}
		}
		if !(perplexity >= 1) || math.IsInf(perplexity, 0) {
			return usagef(c, "--perplexity %v: want a number of 1 or more", perplexity)
		}
		m, s, split, err := a.openImages(c, args, &from, &set)
		if err != nil {
			return err
		}
		defer m.Close()
		if split, err = evenlySpaced(split, points); err != nil {
			return err
		}
		labels, classes := split.Labels, s.Classes
		if attr != "" {
			t, err := attributeOf(s, attr)
			if err != nil {
				return usage(c, fmt.Errorf("--attr: %w", err))
			}
			if labels, classes, err = t.binaryLabels(split); err != nil {
				return err
			}
		}
		codes, err := a.encodeSplit(c.Context(), m, s, split, set.split)
		if err != nil {
			return err
		}
		opt := viz.ScatterOptions{Title: m.titleOf(s, &set)}
		var at [][2]float32
		if method == "pca" {
			at, err = pcaLayout(codes, m.Latent(), &opt)
		} else {
			at, err = a.tsneLayout(c.Context(), codes, m.Latent(), latent.TSNEOptions{Perplexity: perplexity, Iterations: steps, Key: rng.New(seed).Split("project")}, &opt)
		}
		if err != nil {
			return err
		}
		picture, err := viz.Scatter(at, labels, classes, opt)
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "the codes of %s of %s by %s", plural(split.Len(), set.split+" image"), s.Name, m.name)
	}
	return c
}

// pcaLayout lays codes out by their first two principal components; a single unit takes the x axis alone.
func pcaLayout(codes []float32, units int, opt *viz.ScatterOptions) ([][2]float32, error) {
	p, err := latent.FitPCA(codes, units, min(2, units))
	if err != nil {
		return nil, err
	}
	label := func(j int) string {
		return fmt.Sprintf("component %d, %.1f %% of the variance", j+1, 100*p.Variance[j]/p.Total)
	}
	opt.XLabel, opt.YLabel = label(0), " "
	if units > 1 {
		opt.YLabel = label(1)
	}
	z, k := p.Project(codes), len(p.Variance)
	opt.Lo, opt.Hi = latent.AxisRange(z)
	at := make([][2]float32, len(z)/k)
	for i := range at {
		copy(at[i][:], z[i*k:(i+1)*k])
	}
	return at, nil
}

// tsneLayout lays codes out by t-SNE, with a word now and then, in a square that holds all of them.
func (a *app) tsneLayout(ctx context.Context, codes []float32, units int, opt latent.TSNEOptions, look *viz.ScatterOptions) ([][2]float32, error) {
	opt.Progress = func(step, of int) {
		if step%250 == 0 && step < of {
			fmt.Fprintf(a.err, "t-SNE: step %d of %d\n", step, of)
		}
	}
	at, divergence, err := latent.TSNE(ctx, codes, units, opt)
	if err != nil {
		return nil, err
	}
	side := 0.0
	for _, p := range at {
		side = max(side, math.Abs(float64(p[0])), math.Abs(float64(p[1])))
	}
	look.Lo, look.Hi = -1.05*side, 1.05*side
	look.XLabel, look.YLabel = fmt.Sprintf("t-SNE of perplexity %g, divergence %.2f nats", opt.Perplexity, divergence), " "
	return at, nil
}

// binaryLabels returns the images of a split with an attribute and without it, as two classes.
func (t attribute) binaryLabels(p data.Split) ([]int32, []string, error) {
	with, err := t.Mask(p)
	if err != nil {
		return nil, nil, err
	}
	labels := make([]int32, len(with))
	for i, w := range with {
		if w {
			labels[i] = 1
		}
	}
	return labels, []string{"without " + t.Name, "with " + t.Name}, nil
}
