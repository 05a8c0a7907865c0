package main

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/npz"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/tensor"
)

// encode writes the latent means of the images of a set.
func (a *app) encode() *cobra.Command {
	var (
		from source
		set  setFlags
		out  string
	)
	c := &cobra.Command{
		Use:   "encode <run>",
		Short: "Write the latent means of images to a CSV or NPZ file",
		Long: `encode writes the code of each image of the run's data set, or of --data, in the order of the set: the mean of q(z|x)
and, unless the model is deterministic, ln σ².

A .csv file has a line an image: its index, its label if there is one, z0, z1, … and log_var0, log_var1, …. A .npz file has
the arrays mean (N, Z), log_var (N, Z) and labels (N).`,
		Example: `  imago encode latest --out means.csv
  imago encode cnn-vae-mnist-001 --split train --out means.npz`,
		Args: takes(0, 1, "a run"),
	}
	c.Flags().StringVar(&out, "out", "means.csv", "CSV or NPZ `file` to write")
	set.addFlags(c)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ext := strings.ToLower(filepath.Ext(out))
		if ext != ".csv" && ext != ".npz" {
			return usagef(c, "--out %q: want a name that ends in .csv or .npz", out)
		}
		if err := inFolder(out); err != nil {
			return usage(c, err)
		}
		if err := set.check(); err != nil {
			return usage(c, err)
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		s, split, err := a.openSplit(c, m, &set)
		if err != nil {
			return err
		}
		mean, logVar, err := m.EncodeMeans(c.Context(), split.Images)
		if err != nil {
			return err
		}
		codes := codes{m.Latent(), mean, logVar, split}
		write := codes.csv
		if ext == ".npz" {
			write = codes.npz
		}
		if err := atomicfile.Write(out, write); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		a.wrote(out, "the codes of %s of %s by %s", plural(split.Len(), set.split+" image"), s.Name, m.name)
		return nil
	}
	return c
}

// codes are those of the images of a split.
type codes struct {
	units        int
	mean, logVar []float32 // (N, units); logVar may be nil
	data.Split
}

func (k codes) csv(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString("index")
	if k.Labels != nil {
		b.WriteString(",label")
	}
	for u := range k.units {
		fmt.Fprintf(b, ",z%d", u)
	}
	if k.logVar != nil {
		for u := range k.units {
			fmt.Fprintf(b, ",log_var%d", u)
		}
	}
	b.WriteByte('\n')
	var line []byte
	for i := range k.Len() {
		line = strconv.AppendInt(line[:0], int64(i), 10)
		if k.Labels != nil {
			line = strconv.AppendInt(append(line, ','), int64(k.Labels[i]), 10)
		}
		for _, values := range [][]float32{k.mean, k.logVar} {
			if values == nil {
				continue
			}
			for _, v := range values[i*k.units : (i+1)*k.units] {
				line = strconv.AppendFloat(append(line, ','), float64(v), 'g', -1, 32)
			}
		}
		b.Write(append(line, '\n')) // a bufio.Writer keeps its first error for Flush
	}
	return b.Flush()
}

func (k codes) npz(w io.Writer) error {
	var names []string
	var arrays []*tensor.Tensor
	add := func(name string, t *tensor.Tensor, err error) error {
		names, arrays = append(names, name), append(arrays, t)
		return err
	}
	t, err := tensor.FromSlice(k.mean, k.Len(), k.units)
	if err := add("mean", t, err); err != nil {
		return err
	}
	if k.logVar != nil {
		t, err := tensor.FromSlice(k.logVar, k.Len(), k.units)
		if err := add("log_var", t, err); err != nil {
			return err
		}
	}
	if k.Labels != nil {
		t, err := tensor.FromSlice(k.Labels, k.Len())
		if err := add("labels", t, err); err != nil {
			return err
		}
	}
	return npz.WriteNPZ(w, names, arrays)
}
