package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/atomicfile"
)

// encode returns the command encode: it writes the latent means of the images of a set.
func (a *app) encode() *cobra.Command {
	var (
		from   modelSource
		set    setFlags
		probes probeFlags
		out    string
	)
	c := &cobra.Command{
		Use:   "encode <run>",
		Short: "Write the latent means of images to a CSV, JSON, Parquet or NPZ file",
		Long: `encode writes the code of each image of the run's data set, or of all of --data, in the order of the set: the mean of
q(z|x) and, unless the model is deterministic, ln σ².

A .csv, .json, .jsonl or .parquet file has one row for each image: its number in its file as index, its file and its
line in a text, its label and attributes if it has any, z0, z1, … and log_var0, log_var1, …. A .npz file has the arrays
mean (N, Z), log_var (N, Z), index, file, line and labels (N), and attributes (N, A).

--probe measures how well the labels of these images can be predicted from their codes: the accuracy of a linear
classifier and of the nearest neighbours, both from the codes of the training images.`,
		Example: `  imago encode latest --out means.csv
  imago encode cnn-vae-mnist-001 --split train --out means.npz
  imago encode face-vae-celeba-001 --probe --out codes.parquet`,
		Args: argCount(0, 1, "a run"),
	}
	c.Flags().StringVar(&out, "out", "means.csv", ".csv, .json, .jsonl, .parquet or .npz `file` to write; - for CSV on standard output")
	probes.addFlags(c)
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(checkTableFile("out", cmp.Or(out, "\"\""), ".npz"), probes.check(&set)); err != nil {
			return usage(c, err)
		}
		table := a.redirect(out)
		m, s, split, err := a.openImages(c, args, &from, &set)
		if err != nil {
			return err
		}
		defer m.Close()
		mean, logVar, err := m.EncodeMeans(c.Context(), s.Labelled(split))
		if err != nil {
			return err
		}
		codes := codes{m.Latent(), mean, logVar, s, split}
		if probes.probe {
			if err := a.probe(c.Context(), m, s, &codes, &probes); err != nil {
				return err
			}
		}
		what := fmt.Sprintf("the codes of %s of %s by %s", set.items(m, split.Len()), s.Name, m.name)
		if !strings.EqualFold(filepath.Ext(out), ".npz") {
			return a.writeTable(table, out, split.Len(), codes.columns(), "%s", what)
		}
		if err := atomicfile.Write(out, codes.npz); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		a.printWritten(out, "%s", what)
		return nil
	}
	return c
}

// codes are the codes of the images of a split.
type codes struct {
	units        int
	mean, logVar []float32 // (N, units); logVar may be nil
	set          *data.Set // of the split
	data.Split
}

// columns returns a table of the codes with one row for each image.
func (k codes) columns() []columns.Column {
	table := originColumns(k.set, k.Split)
	for _, part := range []struct {
		name   string
		values []float32
	}{{"z", k.mean}, {"log_var", k.logVar}} {
		for u := range k.units {
			if part.values != nil {
				table = append(table, columns.Column{Name: fmt.Sprint(part.name, u), Float: func(i int) float32 { return part.values[i*k.units+u] }})
			}
		}
	}
	return table
}

// npz writes the codes as arrays of an NPZ file.
func (k codes) npz(w io.Writer) error {
	z := numpy.NewWriter(w)
	for _, part := range []struct {
		name   string
		values []float32
	}{{"mean", k.mean}, {"log_var", k.logVar}} {
		if part.values == nil {
			continue
		}
		t, err := tensor.FromSlice(part.values, k.Len(), k.units)
		if err != nil {
			return err
		}
		if err := z.Add(part.name, t); err != nil {
			return err
		}
	}
	if k.Attributes != nil {
		t, err := tensor.FromSlice(k.Attributes, k.Len(), len(k.set.Attributes))
		if err != nil {
			return err
		}
		if err := z.Add("attributes", t); err != nil {
			return err
		}
	}
	for _, c := range originColumns(k.set, data.Split{Items: k.Items, Labels: k.Labels, Origins: k.Origins}) {
		name := c.Name
		if name == "label" {
			name = "labels"
		}
		if err := addColumn(z, name, k.Len(), c); err != nil {
			return err
		}
	}
	return z.Close()
}
