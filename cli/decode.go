package cli

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// decode returns the command decode: it turns codes from a file into items.
func (a *app) decode() *cobra.Command {
	var (
		from modelSource
		out  string
		as   string
		cols int
	)
	c := &cobra.Command{
		Use:   "decode <run> <codes>",
		Short: "Decode codes from a file",
		Long: `decode turns the codes of a file into items, one for each row. It reads what imago encode writes, and the like:

  CSV   columns z0, z1, … beside others, or as many columns of numbers as a code has units, without a header
  NPZ   the array mean, z or codes, (N, Z), or the only array
  NPY   an array, (N, Z)

A conditional model is given the class in the column label, or the attributes in columns of their names; --as gives
all codes the same. - in place of the file reads a CSV from standard input.`,
		Example: `  imago encode latest --out codes.csv
  imago decode latest codes.csv
  imago decode latest codes.csv --out decoded/
  imago decode latest codes.npz --out decoded.npz`,
		Args: argCount(1, 2, "a run and a file of codes"),
	}
	f := c.Flags()
	itemsOutFlag(c, &out, "decode.png")
	labelsFlag(c, &as, " (default those in the file)")
	f.IntVar(&cols, "cols", 0, "items in a `row` of a picture; 0 makes it about square")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if len(files) != 1 {
			return usagef(c, "decode wants a run and one file of codes, such as imago encode writes")
		}
		to := itemsOut(out)
		if err := cmp.Or(to.check(), atLeast("cols", cols, 0)); err != nil {
			return usage(c, err)
		}
		stdout := a.redirect(out)
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		if err := to.checkItem(m.Item()); err != nil {
			return usage(c, err)
		}
		codes, err := readCodes(files[0], m)
		if err != nil {
			return fmt.Errorf("decode: %s: %w", files[0], err)
		}
		n := len(codes.z) / m.Latent()
		labels := codes.labels
		if k := m.DecodeLabels(); as != "" || k > 0 && labels == nil {
			if labels, err = m.labelRows(as, k, n); err != nil {
				return usage(c, err)
			}
		}
		values, err := m.DecodeAs(c.Context(), codes.z, labels)
		if err != nil {
			return err
		}
		made := &madeItems{item: m.Item(), values: values, labels: m.classesOf(labels), more: []namedArray{{"z", codes.z, m.Latent()}}}
		if cols == 0 {
			cols = squareCols(n)
		}
		picture := func() (image.Image, error) { return viz.Grid(m.Item(), values, cols, viz.GridOptions{}) }
		return a.writeItems(stdout, to, made, picture, "%s of %s decoded by %s", english.Plural(n, "code"), filepath.Base(files[0]), m.name)
	}
	return c
}

// classesOf returns the name of the class that each row of labels (N, K) gives, or nil if the labels are no classes.
func (m *trainedModel) classesOf(labels []float32) []string {
	k := m.DecodeLabels()
	if k == 0 || labels == nil {
		return nil
	}
	names := m.labelNames(k)
	var out []string
	for at := 0; at < len(labels); at += k {
		row := labels[at : at+k]
		one := slices.Index(row, 1)
		if one < 0 || slices.Contains(row[one+1:], 1) {
			return nil
		}
		out = append(out, names[one])
	}
	return out
}

// readCode are the codes of a file.
type readCode struct {
	z      []float32 // (N, Z)
	labels []float32 // (N, K), or nil: the file has none
}

// maxCodeFile bounds the bytes of a file of codes.
const maxCodeFile = 1 << 30

// readCodes reads the codes of a file for a model.
func readCodes(name string, m *trainedModel) (*readCode, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxCodeFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxCodeFile {
		return nil, fmt.Errorf("more than %d bytes: decode the codes in parts", maxCodeFile)
	}
	if bytes.HasPrefix(b, []byte(numpy.Magic)) || bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		return readCodeArrays(b, m)
	}
	return readCodeTable(b, m)
}

// readCodeArrays reads the codes of an NPY or NPZ file.
func readCodeArrays(b []byte, m *trainedModel) (*readCode, error) {
	t, err := codeArray(b)
	if err != nil {
		return nil, err
	}
	if s := t.Shape(); len(s) != 2 || s[1] != m.Latent() || t.DType() != tensor.Float32 {
		return nil, fmt.Errorf("an array %v: want numbers of shape (N, %d), the units of a code of %s", t, m.Latent(), m.name)
	}
	return &readCode{z: t.F32()}, nil
}

// codeArray returns the array of codes of an NPY or NPZ file.
func codeArray(b []byte) (*tensor.Tensor, error) {
	if bytes.HasPrefix(b, []byte(numpy.Magic)) {
		return numpy.ReadNPY(bytes.NewReader(b))
	}
	r, err := numpy.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	names := r.Names()
	for _, name := range []string{"mean", "z", "codes"} {
		if slices.Contains(names, name) {
			return r.Read(name)
		}
	}
	if len(names) == 1 {
		return r.Read(names[0])
	}
	return nil, fmt.Errorf("no array called mean, z or codes among %s", strings.Join(names, ", "))
}

// finite returns an error if v is not.
func finite(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > math.MaxFloat32 {
		return fmt.Errorf("%v is no finite number: correct it or leave the row out", v)
	}
	return nil
}

// readCodeTable reads the codes of a CSV file, and their labels if the model takes labels and the file has them.
func readCodeTable(b []byte, m *trainedModel) (*readCode, error) {
	r := csv.NewReader(bytes.NewReader(b))
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err == io.EOF {
		return nil, errors.New("it has no rows")
	}
	if err != nil {
		return nil, err
	}
	units := m.Latent()
	from, header, err := codeColumns(head, units)
	if err != nil {
		return nil, err
	}
	out := &readCode{}
	var labelOf func(cells []string, line int) error
	if header && m.DecodeLabels() > 0 {
		labelOf = out.labelReader(head, m)
	}
	add := func(cells []string, line int) error {
		for u, j := range from {
			v, err := strconv.ParseFloat(strings.TrimSpace(cells[j]), 64)
			if err == nil {
				err = finite(v)
			}
			if err != nil {
				return fmt.Errorf("line %d, unit %d: %q is no finite number: correct it or leave the row out", line, u, cells[j])
			}
			out.z = append(out.z, float32(v))
		}
		if labelOf != nil {
			return labelOf(cells, line)
		}
		return nil
	}
	if !header {
		if err := add(head, 1); err != nil {
			return nil, err
		}
	}
	for {
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if err := add(cells, line); err != nil {
			return nil, err
		}
	}
	if len(out.z) == 0 {
		return nil, errors.New("it has no rows")
	}
	return out, nil
}

// codeColumns returns the columns of a table that hold the units of a code, and whether head is a header: columns
// called z0, z1, …, or all columns of a table without a header.
func codeColumns(head []string, units int) (from []int, header bool, err error) {
	for u := range units {
		j := slices.Index(head, fmt.Sprint("z", u))
		if j < 0 {
			break
		}
		from = append(from, j)
	}
	if len(from) == units && !slices.Contains(head, fmt.Sprint("z", units)) {
		return from, true, nil
	}
	more := 0 // columns called z0, z1, …
	for slices.Contains(head, fmt.Sprint("z", more)) {
		more++
	}
	if more > 0 {
		return nil, false, fmt.Errorf("codes of %d units (z0 to z%d): the codes of this model have %d", more, more-1, units)
	}
	for _, cell := range head {
		if _, err := strconv.ParseFloat(strings.TrimSpace(cell), 64); err != nil {
			return nil, false, fmt.Errorf("no columns called z0 to z%d in its header: name them so, or give %d columns of numbers without a header", units-1, units)
		}
	}
	if len(head) != units {
		return nil, false, fmt.Errorf("%d columns without a header: the codes of this model have %d units", len(head), units)
	}
	for j := range head {
		from = append(from, j)
	}
	return from, false, nil
}

// labelReader returns a function that reads the labels of a row: the class in the column label, or the attributes in
// columns of their names. It returns nil if the table has no such columns.
func (r *readCode) labelReader(head []string, m *trainedModel) func(cells []string, line int) error {
	names := m.labelNames(m.DecodeLabels())
	if j := slices.Index(head, "label"); j >= 0 {
		return func(cells []string, line int) error {
			k := slices.Index(names, cells[j])
			if k < 0 {
				return fmt.Errorf("line %d: label %q: the model has %s", line, cells[j], strings.Join(names, ", "))
			}
			row := make([]float32, len(names))
			row[k] = 1
			r.labels = append(r.labels, row...)
			return nil
		}
	}
	var from []int
	for _, name := range names {
		j := slices.Index(head, name)
		if j < 0 {
			return nil
		}
		from = append(from, j)
	}
	return func(cells []string, line int) error {
		for k, j := range from {
			if cells[j] != "0" && cells[j] != "1" {
				return fmt.Errorf("line %d: %s is %q: want 0 or 1", line, names[k], cells[j])
			}
			v := float32(0)
			if cells[j] == "1" {
				v = 1
			}
			r.labels = append(r.labels, v)
		}
		return nil
	}
}
