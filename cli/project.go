package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/viz"
)

// project returns the command project: it draws the codes of images, projected to the plane.
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
		Short: "Project codes of many units to the plane, by t-SNE or PCA",
		Long: `project encodes images of the run's data set, or of --data, projects their codes to the plane and colours them by
class, or by an attribute:

  tsne  neighbouring codes stay neighbours (t-SNE by Barnes and Hut); the sizes of groups and the distances between them
        have no meaning
  pca   the two principal components, along which the codes vary most`,
		Example: `  imago project latest
  imago project face-vae-celeba-001 --attr Male
  imago project latest --method pca --points 0`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.StringVar(&method, "method", "tsne", "`method`: tsne or pca")
	f.StringVar(&attr, "attr", "", "`attribute` or class to colour by (default the classes)")
	f.IntVar(&points, "points", 2000, "`images` to project, evenly spaced in the set; 0 means all")
	f.Float64Var(&perplexity, "perplexity", 30, "with tsne: effective number of `neighbours` of an image")
	f.IntVar(&steps, "steps", 750, "with tsne: `steps` of gradient descent")
	seedFlag(c, &seed, "the initial positions of tsne")
	outFlag(c, &out, "project.png")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(oneOf("method", method, "tsne", "pca"), atLeast("points", points, 0), atLeast("steps", steps, 1), checkPNGName(out)); err != nil {
			return usage(c, err)
		}
		if !(perplexity >= 1) || math.IsInf(perplexity, 0) {
			return usagef(c, "--perplexity %v: want a number of 1 or more", perplexity)
		}
		m, shown, what, err := a.openEncoded(c, args, &from, &set, points)
		if err != nil {
			return err
		}
		defer m.Close()
		s, split, codes := shown.set, shown.split, shown.mean
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
		opt := viz.ScatterOptions{
			Title: fmt.Sprintf("%s: codes of %s, projected to the plane by %s", m.titleOf(s, &set), what, methodNames[method]), Note: m.note(),
		}
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
		return a.writePNG(out, picture, "the codes of %s of %s by %s", what, s.Name, m.name)
	}
	return c
}

// methodNames are the names of the projections in words.
var methodNames = map[string]string{"tsne": "t-SNE", "pca": "PCA"}

// pcaLayout returns the first two principal components of codes, and sets the axes of the plot. A single unit takes the
// x axis alone.
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

// tsneLayout returns the positions of codes by t-SNE, and sets the axes of the plot to a square that holds all of
// them. It prints a line of progress every 250 steps.
func (a *app) tsneLayout(ctx context.Context, codes []float32, units int, opt latent.TSNEOptions, look *viz.ScatterOptions) ([][2]float32, error) {
	opt.Progress = func(step, total int) {
		if step%250 == 0 && step < total {
			fmt.Fprintf(a.err, "t-SNE: step %d of %d\n", step, total)
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

// binaryLabels returns the labels of the images of a split, 1 with the attribute and 0 without it, and the names of
// the two classes.
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
