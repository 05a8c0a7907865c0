package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/compare"
	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/train/runlog"
)

// compareRuns returns the command compare: it writes a page that compares two runs.
func (a *app) compareRuns() *cobra.Command {
	var (
		from [2]modelSource
		set  setFlags
		seed uint64
		out  string
	)
	c := &cobra.Command{
		Use:   "compare <run> <run>",
		Short: "Compare two autoencoders on one page: codes, samples, reconstructions, interpolation, training",
		Long: `compare writes one page with pictures of two runs side by side, as of an autoencoder and a variational one: the
distribution of their codes, images decoded from codes of no image, reconstructions, the smoothness of interpolation,
and σ, KL and active units over training. A paragraph explains the numbers.

Images are compared by the features of imago's own classifier of the set, or by pixels if the set has no labels. Both
runs are evaluated on the test images of the first run's data set, or of --data.`,
		Example: `  imago compare mlp-ae-mnist-001 mlp-vae-mnist-001
  imago compare mlp-vae-mnist-001 mlp-vae-mnist-002 --out beta.html`,
		Args: argCount(2, 2, "two runs"),
	}
	f := c.Flags()
	f.StringVar(&out, "out", "compare.html", "HTML `file` to write")
	seedFlag(c, &seed, "all random numbers")
	f.StringVar(&from[0].checkpoint, "checkpoint", "best", "checkpoint of both runs: best or latest")
	set.addTestFlags(c, "the first run")
	threadsFlag(c, &from[0].threads)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(oneOf("checkpoint", from[0].checkpoint, "best", "latest"), checkFileName("out", out, ".html")); err != nil {
			return usage(c, err)
		}
		from[0].options = &modelFlags{}
		from[1] = from[0]
		var sides [2]compare.Side
		var opened [2]*trainedModel
		for i := range sides {
			m, err := a.open(c, args[i:i+1], &from[i])
			if err != nil {
				return err
			}
			defer m.Close()
			run, err := runlog.Open(m.name, "")
			if err != nil {
				return err
			}
			log, err := runlog.ReadLog(run.Dir)
			if err != nil {
				return err
			}
			opened[i], sides[i] = m, compare.Side{Name: filepath.Base(run.Dir), Session: m.Session, Config: *m.config, Beta: betaOf(m.config), Log: log}
		}
		if sides[0].Name == sides[1].Name {
			sides[0].Name, sides[1].Name = args[0], args[1]
		}
		if x, y := sides[0].Session.Item(), sides[1].Session.Item(); !x.Equal(y) {
			return fmt.Errorf("compare: images of %s are %v, of %s %v: want two models of the same images", args[0], x, args[1], y)
		}
		s, _, err := a.openSplit(c, opened[0], &set)
		if err != nil {
			return err
		}
		if x, y := opened[0].config.Data.Digest, opened[1].config.Data.Digest; x != y {
			a.warn("%s and %s were trained on different data; both are evaluated on %s", args[0], args[1], s.Name)
		}
		p := newProgress(a.err)
		defer p.end()
		opt := compare.Options{Seed: seed, Progress: func(what string, done, total int) { p.set(what, done, total, "image") }}
		opt.Net, err = feature.Open(c.Context(), s, opened[0].be, a.featureOptions(p, set.noCache))
		if err != nil && !errors.Is(err, feature.ErrUnfit) {
			return err
		}
		got, err := compare.Measure(c.Context(), sides, s, opt)
		if err != nil {
			return err
		}
		p.end()
		return a.writeComparison(c.Context(), got, out)
	}
	return c
}

// writeComparison writes the page to the file out, and prints the numbers and what they mean.
func (a *app) writeComparison(ctx context.Context, got *compare.Comparison, out string) error {
	imago, _ := runlog.Versions()
	var page bytes.Buffer
	if err := got.Page(ctx, &page, "imago "+imago); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(out, page.Bytes()); err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range got.Headline() {
		fmt.Fprintln(w, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n%s\n", got.Summary())
	a.printWritten(out, "%s and %s side by side", got.Sides[0].Name, got.Sides[1].Name)
	return nil
}

// betaOf returns the weight of the KL in a model's configuration; NaN if it has none.
func betaOf(c *runlog.Config) float64 {
	var o struct {
		Beta *float64 `json:"beta"`
	}
	if json.Unmarshal(c.Model, &o) != nil || o.Beta == nil {
		return math.NaN()
	}
	return *o.Beta
}
