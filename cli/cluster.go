package cli

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/viz"
)

// cluster returns the command cluster: it groups the images of a set without labels.
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
		Short: "Group images without labels",
		Long: `cluster assigns each image of the run's data set, or of all of --data, to its most probable group.
The groups are the classes of the model itself if it has some (vade, m2), else the Gaussians of a
mixture fitted to the codes of the training images.

If the set has labels, it prints how well the groups agree with them: the accuracy under the best assignment of a
class to each group, and the normalised mutual information, which is 1 if groups and classes are equal and 0 if they
are independent. The picture has one row for each group.`,
		Example: `  imago cluster latest
  imago cluster mlp-vae-mnist-001 --groups 20 --assignments groups.csv`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.IntVarP(&k, "groups", "k", 0, "`number` of groups of codes (default: the classes of the model, else the number of classes of the set, else 10)")
	encodedFlag(c, &encoded)
	seedFlag(c, &seed, "the initial values of the fit")
	f.IntVarP(&n, "count", "n", 12, "`number` of images of each group to draw")
	outFlag(c, &out, "clusters.png")
	f.StringVar(&log, "assignments", "", tableFile("the group of each item"))
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(atLeast("groups", k, 0), atLeast("encoded", encoded, 0), atLeast("count", n, 1), checkPNGName(out), checkTableFile("assignments", log)); err != nil {
			return usage(c, err)
		}
		table := a.redirect(log)
		m, s, split, err := a.openImages(c, args, &from, &set)
		if err != nil {
			return err
		}
		defer m.Close()
		ctx := c.Context()
		x := &clustering{m: m, set: s, split: split, part: &set, k: k}
		if m.Model().Classify != nil && k == 0 {
			err = x.classify(ctx)
		} else {
			err = a.fitGroups(ctx, x, encoded, rng.New(seed).Split("cluster"))
		}
		if err != nil {
			return err
		}
		x.groups = probe.Argmax(x.probs, x.k)
		titles, err := a.printAgreement(x)
		if err != nil {
			return err
		}
		if log != "" {
			if err := a.writeTable(table, log, split.Len(), x.columns(), "the group of %s of %s by %s", set.items(m, split.Len()), s.Name, m.name); err != nil {
				return err
			}
		}
		picture, err := x.draw(ctx, titles, n, fmt.Sprintf("%s: the first %ss of each group", m.titleOf(s, &set), m.noun()))
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "the first %d images of each of %s of %s by %s", x.mostShown(n), english.Plural(x.countUsed(), "group"), s.Name, m.name)
	}
	return c
}

// A clustering is the images of a part of a set, and their groups.
type clustering struct {
	m      *trainedModel
	set    *data.Set
	split  data.Split
	part   *setFlags // of the set
	k      int       // the number of groups
	probs  []float64 // of each group for each image, (N, k)
	groups []int32   // the most probable group of each image
}

// classify sets the probabilities to those of the model's own classes.
func (x *clustering) classify(ctx context.Context) error {
	probs, k, err := x.m.Classify(ctx, x.set.Labelled(x.split))
	if err != nil {
		return err
	}
	x.k = k
	for _, p := range probs {
		x.probs = append(x.probs, float64(p))
	}
	return nil
}

// fitGroups sets the probabilities to those of a mixture of x.k Gaussians, fitted to the codes of encoded training
// images. Without a number of groups it takes that of the classes of the set, or 10.
func (a *app) fitGroups(ctx context.Context, x *clustering, encoded int, key rng.Key) error {
	if x.k == 0 {
		x.k = 10
		if n := len(x.set.Classes); n > 1 {
			x.k = n
		}
	}
	known, err := a.encodeTraining(ctx, x.m, x.set, encoded)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "fitting %s to the codes\n", english.Plural(x.k, "Gaussian"))
	const maxFull = 64 // units, above which full covariances have too many numbers to estimate
	units := x.m.Latent()
	d, err := latent.FitDensity(ctx, known.mean, nil, units, latent.DensityOptions{Components: x.k, Diagonal: units > maxFull, Key: key})
	if err != nil {
		return err
	}
	z, err := a.encodeSplit(ctx, x.m, x.set, x.split, x.part.items(x.m, x.split.Len()))
	if err != nil {
		return err
	}
	x.probs, err = d.Mixture.Responsibilities(z)
	return err
}

// printAgreement prints the groups with their sizes and, if the images have labels, how well the groups agree with the
// classes. It returns the title of each group.
func (a *app) printAgreement(x *clustering) ([]string, error) {
	labels, classes, images := x.split.Labels, x.set.Classes, english.Plural(len(x.groups), "image")
	sizes := x.sizes()
	titles := make([]string, x.k)
	for g, n := range sizes {
		titles[g] = fmt.Sprintf("%d, %s", g, english.Plural(n, "image"))
	}
	switch {
	case labels == nil || len(classes) < 2:
		fmt.Fprintf(a.out, "%s in %s; there are no labels to compare them with\n", images, english.Plural(x.k, "group"))
		return titles, nil
	case probe.OneClass(labels):
		fmt.Fprintf(a.out, "%s in %s; all are of class %s, so an accuracy would mean nothing\n", images, english.Plural(x.k, "group"), classes[labels[0]])
		return titles, nil
	}
	accuracy, class, err := probe.ClusterAccuracy(x.groups, labels, x.k, len(classes))
	if err != nil {
		return nil, err
	}
	nmi, err := probe.NMI(x.groups, labels, x.k, len(classes))
	if err != nil {
		return nil, err
	}
	table, err := probe.Confusion(x.groups, labels, x.k, len(classes))
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
			titles[g] = fmt.Sprintf("%d = %s, %s", g, name, english.Plural(sizes[g], "image"))
			if sizes[g] > 0 {
				share = fmt.Sprintf("%.1f %%", 100*float64(row[c])/float64(sizes[g]))
			}
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", g, thousands(sizes[g]), screen.Name(name), share, screen.Name(classes[often]))
	}
	fmt.Fprintf(w, "accuracy %.4f, normalised mutual information %.4f, of %s in %s\n", accuracy, nmi, images, english.Plural(x.k, "group"))
	return titles, w.Flush()
}

// sizes returns the number of images of each group.
func (x *clustering) sizes() []int {
	sizes := make([]int, x.k)
	for _, g := range x.groups {
		sizes[g]++
	}
	return sizes
}

// countUsed returns the number of groups that have images.
func (x *clustering) countUsed() int {
	used := 0
	for _, n := range x.sizes() {
		if n > 0 {
			used++
		}
	}
	return used
}

// mostShown returns the number of images of the largest group, at most n.
func (x *clustering) mostShown(n int) int { return min(n, slices.Max(x.sizes())) }

// columns returns a table with one row for each image: its label, its group and the probability of the group.
func (x *clustering) columns() []columns.Column {
	return append(originColumns(x.set, x.split), columns.Column{Name: "cluster", Int: func(i int) int32 { return x.groups[i] }},
		columns.Column{Name: "probability", Float: func(i int) float32 { return float32(x.probs[i*x.k+int(x.groups[i])]) }})
}

// draw returns a picture with the first n images of each group in a row.
func (x *clustering) draw(ctx context.Context, titles []string, n int, title string) (image.Image, error) {
	n = x.mostShown(n)
	members := make([][]int, x.k)
	for i, g := range x.groups {
		if len(members[g]) < n {
			members[g] = append(members[g], i)
		}
	}
	img := x.m.Item()
	sheet := sheetBuffer{img: img}
	var rows []string
	for g, list := range members {
		if len(list) == 0 {
			continue
		}
		shown, err := data.Subset(x.split.Items, list)
		if err != nil {
			return nil, err
		}
		pix, err := data.AllFloats(ctx, shown)
		if err != nil {
			return nil, err
		}
		sheet.add(pix, 0, len(list))
		sheet.add(make([]float32, (n-len(list))*img.Size()), 0, n-len(list))
		rows = append(rows, titles[g])
	}
	return viz.Sheet(img, sheet.pix, len(rows), n, viz.SheetOptions{Title: title, Note: x.m.note(), Rows: rows})
}
