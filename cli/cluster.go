package cli

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/viz"
)

// cluster parts images into groups that nobody named.
func (a *app) cluster() *cobra.Command {
	var (
		from     modelSource
		set      setFlags
		k        int
		encoded  int
		seed     uint64
		n        int
		out, log string
	)
	c := &cobra.Command{
		Use:   "cluster <run>",
		Short: "Part images into groups without labels",
		Long: `cluster puts each image of the run's data set, or of --data, into the group that it most probably belongs to: the classes
of the model itself where it has some (vade, m2), else the Gaussians of a mixture fitted to the codes of the training images.

Where there are labels it says how well the groups agree with them: the accuracy when each group is given a class of its own
in the best way, and the normalised mutual information, which is 1 for equal divisions and 0 for independent ones. The picture
has a row for each group.`,
		Example: `  imago cluster latest
  imago cluster mlp-vae-mnist-001 --groups 20 --assignments groups.csv`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVarP(&k, "groups", "k", 0, "`number` of groups of codes (default the model's own classes, else as many as the set has, else 10)")
	encodedFlag(c, &encoded)
	f.Uint64Var(&seed, "seed", 0, "`seed` of the start of the fit")
	f.IntVarP(&n, "count", "n", 12, "`number` of images of each group to draw")
	f.StringVar(&out, "out", "clusters.png", "PNG `file` to write")
	f.StringVar(&log, "assignments", "", "CSV or Parquet `file` to write the group of each image to")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, err := range []error{atLeast("groups", k, 0), atLeast("encoded", encoded, 0), atLeast("count", n, 1), checkPNGName(out)} {
			if err != nil {
				return usage(c, err)
			}
		}
		if log != "" {
			if err := checkFileName("assignments", log, ".csv", ".parquet"); err != nil {
				return usage(c, err)
			}
		}
		m, s, split, err := a.openImages(c, args, &from, &set)
		if err != nil {
			return err
		}
		defer m.Close()
		ctx := c.Context()
		var probs []float64
		if m.Model().Classify != nil && k == 0 {
			var p []float32
			p, k, err = m.Classify(ctx, s.Labelled(split))
			for _, v := range p {
				probs = append(probs, float64(v))
			}
		} else {
			if k == 0 {
				k = 10
				if len(s.Classes) > 1 {
					k = len(s.Classes)
				}
			}
			probs, err = a.fittedGroups(ctx, m, s, split, set.split, k, encoded, rng.New(seed).Split("cluster"))
		}
		if err != nil {
			return err
		}
		groups := probe.Argmax(probs, k)
		class, err := a.agreement(groups, k, split.Labels, s.Classes)
		if err != nil {
			return err
		}
		if log != "" {
			table := codes{Split: data.Split{Items: split.Items, Labels: split.Labels}}.columns()
			table = append(table, columns.Column{Name: "cluster", Int: func(i int) int32 { return groups[i] }},
				columns.Column{Name: "probability", Float: func(i int) float32 { return float32(probs[i*k+int(groups[i])]) }})
			if err := a.writeTable(log, split.Len(), table, "the group of %s of %s by %s", plural(split.Len(), set.split+" image"), s.Name, m.name); err != nil {
				return err
			}
		}
		return a.drawGroups(ctx, m, s, split, groups, class, n, m.titleOf(s, &set), out)
	}
	return c
}

// fittedGroups returns the probability of each of k Gaussians, fitted to the codes of training images, for the images of a
// split: (N, k).
func (a *app) fittedGroups(ctx context.Context, m *trainedModel, s *data.Set, split data.Split, part string, k, encoded int, key rng.Key) ([]float64, error) {
	train, err := evenlySpaced(s.Train, encoded)
	if err != nil {
		return nil, err
	}
	points, err := a.encodeSplit(ctx, m, s, train, "train")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(a.err, "fitting %s to the codes\n", plural(k, "Gaussian"))
	const maxFull = 64 // units, above which covariances have too many numbers to be known
	d, err := latent.FitDensity(ctx, points, nil, m.Latent(), latent.DensityOptions{Components: k, Diagonal: m.Latent() > maxFull, Key: key})
	if err != nil {
		return nil, err
	}
	z, err := a.encodeSplit(ctx, m, s, split, part)
	if err != nil {
		return nil, err
	}
	return d.Mixture.Responsibilities(z)
}

// agreement prints the groups with their sizes and, of labelled images, how well they agree with the classes. It gives
// the title of each group.
func (a *app) agreement(groups []int32, k int, labels []int32, classes []string) ([]string, error) {
	sizes := make([]int, k)
	for _, g := range groups {
		sizes[g]++
	}
	title := make([]string, k)
	for g, n := range sizes {
		title[g] = fmt.Sprintf("%d, %s", g, plural(n, "image"))
	}
	if labels == nil || len(classes) < 2 {
		fmt.Fprintf(a.out, "%s into %s; there are no labels to hold them against\n", plural(len(groups), "image"), plural(k, "group"))
		return title, nil
	}
	accuracy, class, err := probe.ClusterAccuracy(groups, labels, k, len(classes))
	if err != nil {
		return nil, err
	}
	nmi, err := probe.NMI(groups, labels, k, len(classes))
	if err != nil {
		return nil, err
	}
	table, err := probe.Confusion(groups, labels, k, len(classes))
	if err != nil {
		return nil, err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "group\timages\tstands for\tof that class\tmost frequent\n")
	for g, row := range table {
		often := slices.Index(row, slices.Max(row))
		name, share := "none", "–"
		if c := class[g]; c >= 0 {
			name = classes[c]
			title[g] = fmt.Sprintf("%d = %s, %s", g, name, plural(sizes[g], "image"))
			if sizes[g] > 0 {
				share = fmt.Sprintf("%.1f %%", 100*float64(row[c])/float64(sizes[g]))
			}
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", g, thousands(sizes[g]), name, share, classes[often])
	}
	fmt.Fprintf(w, "accuracy %.4f, normalised mutual information %.4f, of %s in %s\n", accuracy, nmi, plural(len(groups), "image"), plural(k, "group"))
	return title, w.Flush()
}

// drawGroups draws the first n images of each group in a row.
func (a *app) drawGroups(ctx context.Context, m *trainedModel, s *data.Set, p data.Split, groups []int32, titles []string, n int, title, out string) error {
	members := make([][]int, len(titles))
	for i, g := range groups {
		if len(members[g]) < n {
			members[g] = append(members[g], i)
		}
	}
	n = 0
	for _, list := range members {
		n = max(n, len(list))
	}
	sheet := sheetBuffer{img: m.Image()}
	var rows []string
	for g, list := range members {
		if len(list) == 0 {
			continue
		}
		shown, err := data.Subset(p.Items, list)
		if err != nil {
			return err
		}
		pix, err := data.AllFloats(ctx, shown)
		if err != nil {
			return err
		}
		sheet.add(pix, 0, len(list))
		sheet.add(make([]float32, (n-len(list))*m.Image().Size()), 0, n-len(list))
		rows = append(rows, titles[g])
	}
	img := m.Image()
	picture, err := viz.Sheet(sheet.pix, len(rows), n, img.H, img.W, img.C, viz.SheetOptions{Title: title, Rows: rows})
	if err != nil {
		return err
	}
	return a.writePNG(out, picture, "the first %d images of each of %s of %s by %s", n, plural(len(rows), "group"), s.Name, m.name)
}
