package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// neighbours returns the command neighbours: it draws the images of a set whose codes are nearest to those of given
// images.
func (a *app) neighbours() *cobra.Command {
	var (
		from   modelSource
		pick   inputFlags
		k      int
		among  string
		metric string
		out    string
	)
	c := &cobra.Command{
		Use:   "neighbours <run> [<image>...]",
		Short: "Draw the images of a set that are nearest in latent space",
		Long: `neighbours encodes images and draws beside each the training images of the run's data set, or of --data, whose codes
are nearest, with their distances. The images are picture files, cropped and resized to fit the model, or images
of the set: those of --index, or the first.`,
		Example: `  imago neighbours latest
  imago neighbours latest --index 3,17 --nearest 12 --metric cosine
  imago neighbours face-vae-celeba-001 me.jpg`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVarP(&k, "nearest", "k", 8, "`number` of neighbours of each image")
	f.StringVar(&among, "among", "", "part of the set to search: test, train or all (default train; all of a set given with --data)")
	f.StringVar(&metric, "metric", "euclidean", "`distance` between codes: euclidean or cosine")
	outFlag(c, &out, "neighbours.png")
	pick.addFlags(c, 8)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if err := cmp.Or(atLeast("nearest", k, 1), checkAmong(among), oneOf("metric", metric, "euclidean", "cosine"), checkPNGName(out), pick.check(files)); err != nil {
			return usage(c, err)
		}
		distance := latent.Euclidean
		if metric == "cosine" {
			distance = latent.Cosine
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		searched := pick.set
		switch {
		case among != "":
			searched.split = among
		case searched.data == "" || searched.split != "":
			searched.split = partTrain
		}
		set, split, err := a.openSplit(c, m, &searched)
		if err != nil {
			return err
		}
		var images *inputImages
		if len(files) > 0 {
			images, err = readInputs(m, &pick, files)
		} else {
			images, err = pick.selectImages(m, set)
		}
		if err != nil {
			return err
		}
		pool, err := a.encodeSplit(c.Context(), m, set, split, searched.items(m, split.Len()))
		if err != nil {
			return err
		}
		query, err := a.inputCodes(c.Context(), m, images)
		if err != nil {
			return err
		}
		var self func(int) int
		if images.index != nil && pick.set.part() == searched.part() {
			self = func(i int) int { return images.index[i] }
		}
		found, err := latent.Neighbours(c.Context(), query, pool, m.Latent(), k, distance, self)
		if err != nil {
			return err
		}
		k = len(found[0])
		if k == 0 {
			return fmt.Errorf("neighbours: %s has no other %s %s", set.Name, searched.part(), m.noun())
		}
		var index []int
		cells := []string{}
		for i, list := range found {
			cells = append(cells, images.names[i])
			for _, nb := range list {
				index, cells = append(index, nb.Index), append(cells, filepath.Base(nameOf(split, nb.Index))+"\n"+distanceText(nb.Distance))
			}
		}
		near, err := data.Subset(split.Items, index)
		if err != nil {
			return err
		}
		nearPix, err := data.AllFloats(c.Context(), near)
		if err != nil {
			return err
		}
		img := m.Item()
		pix, err := images.interleave(c.Context(), img, nearPix, k)
		if err != nil {
			return err
		}
		cols := append([]string{m.noun(), "nearest"}, slices.Repeat([]string{""}, k-1)...)
		picture, err := viz.Sheet(img, pix, len(found), k+1, viz.SheetOptions{
			Title: fmt.Sprintf("%s: the %ss whose codes are nearest", images.title, m.noun()), Cols: cols, Cells: cells, Lead: 1,
			Note: m.note(fmt.Sprintf("with each: which of the %s it is, and the %s distance of its code", searched.items(m, split.Len()), metric)),
		})
		if err != nil {
			return err
		}
		return a.writePNG(out, picture, "the %s nearest to %s by %s", english.Plural(k, strings.TrimPrefix(searched.part()+" "+m.noun(), partAll+" ")), english.Plural(len(found), m.noun()), m.name)
	}
	return c
}

// checkAmong returns an error unless the value of --among is a part of a set or not given.
func checkAmong(among string) error {
	if among == "" {
		return nil
	}
	return oneOf("among", among, partTest, partTrain, partAll)
}

// distanceText formats a distance with three digits, for the space under an image.
func distanceText(d float64) string {
	if d >= 0.1 && d < 10 {
		return fmt.Sprintf("%.2f", d)
	}
	return fmt.Sprintf("%.3g", d)
}
