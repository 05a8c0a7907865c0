package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/screen"
)

// stdoutName is the file name that means standard output.
const stdoutName = "-"

// tableFile returns the usage of a flag that names a file for a table; what is written to it.
func tableFile(what string) string {
	return strings.Join(columns.Suffixes(), ", ") + " `file` to write " + what + " to; - for CSV on standard output"
}

// checkTableFile returns an error if name, the value of --flag, is given and is neither the name of a table nor
// standard output.
func checkTableFile(flag, name string, others ...string) error {
	if name == stdoutName {
		return nil
	}
	return checkOptionalFile(flag, name, slices.Concat(columns.Suffixes(), others)...)
}

// redirect sends all other results to the error stream if name is standard output, and returns the stream of the table.
func (a *app) redirect(name string) io.Writer {
	out := a.out
	if name == stdoutName {
		a.out = a.err
	}
	return out
}

// writeTable writes a table of n rows to the file name, in the format of its suffix, or as CSV to out if name is
// standard output, and prints what it has written.
func (a *app) writeTable(out io.Writer, name string, n int, table []columns.Column, format string, args ...any) error {
	if name == stdoutName {
		return columns.CSV(screen.Data(out), n, table)
	}
	write := columns.For(name)
	if err := atomicfile.Write(name, func(w io.Writer) error { return write(w, n, table) }); err != nil {
		return err
	}
	a.printWritten(name, format, args...)
	return nil
}

// originColumns returns the columns that say which item each row of a table is: its number in its file, its class,
// the file and the line if there are any, and its attributes.
func originColumns(set *data.Set, p data.Split) []columns.Column {
	table := []columns.Column{{Name: "index", Int: func(i int) int32 { return int32(p.Origin(i).Row) }}}
	if p.Labels != nil {
		table = append(table, classColumn("label", set.Classes, func(i int) int32 { return p.Labels[i] }))
	}
	if p.Origins.Files != nil {
		table = append(table, columns.Column{Name: "file", Text: func(i int) string { return p.Origin(i).File }})
	}
	if p.Origins.Lines != nil {
		table = append(table, columns.Column{Name: "line", Int: func(i int) int32 { return int32(p.Origin(i).Line) }})
	}
	if p.Attributes != nil {
		for j, name := range set.Attributes {
			table = append(table, columns.Column{Name: name, Int: func(i int) int32 { return int32(p.Attributes[i*len(set.Attributes)+j]) }})
		}
	}
	return table
}

// classColumn returns a column of classes, given by their numbers in classes: as the data has them, whole numbers if
// all classes are, else words.
func classColumn(name string, classes []string, class func(i int) int32) columns.Column {
	whole := make([]int32, len(classes))
	for k, c := range classes {
		v, err := strconv.ParseInt(c, 10, 32)
		if err != nil || strconv.FormatInt(v, 10) != c {
			return columns.Column{Name: name, Text: func(i int) string { return classes[class(i)] }}
		}
		whole[k] = int32(v)
	}
	return columns.Column{Name: name, Int: func(i int) int32 { return whole[class(i)] }}
}

// addColumn writes the n values of a column to an NPZ file, under that name.
func addColumn(z *numpy.Writer, name string, n int, c columns.Column) error {
	if c.Text != nil {
		text := make([]string, n)
		for i := range text {
			text[i] = c.Text(i)
		}
		return z.AddText(name, text)
	}
	v := make([]int32, n)
	for i := range v {
		v[i] = c.Int(i)
	}
	t, err := tensor.FromSlice(v, n)
	if err != nil {
		return fmt.Errorf("array %q: %w", name, err)
	}
	return z.Add(name, t)
}
