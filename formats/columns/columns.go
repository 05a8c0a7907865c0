// Package columns writes tables, given as columns of numbers, texts and truth values, to
// CSV, JSON and Parquet files. Use For with the name of the file, or one of CSV, JSON,
// JSONLines and Parquet, and a slice of Column. It reads no files and must not know what
// the values mean.
package columns

import (
	"bufio"
	"io"
	"path/filepath"
	"strconv"
	"strings"
)

// A Column is a name and one value for each row: that of the first of Int, Float, Text
// and Bool that is not nil.
type Column struct {
	Name  string
	Int   func(row int) int32
	Float func(row int) float32
	Text  func(row int) string
	Bool  func(row int) bool

	// Missing reports whether the row has no value; nil = every row has one. A missing
	// value is an empty cell in CSV and null elsewhere.
	Missing func(row int) bool
}

// missing reports whether the row has no value.
func (c *Column) missing(row int) bool { return c.Missing != nil && c.Missing(row) }

// appendNumber appends an Int, Float or Bool in the form that CSV and JSON share. A
// number has as many digits as reading it back exactly needs.
func (c *Column) appendNumber(b []byte, row int) []byte {
	switch {
	case c.Int != nil:
		return strconv.AppendInt(b, int64(c.Int(row)), 10)
	case c.Float != nil:
		return strconv.AppendFloat(b, float64(c.Float(row)), 'g', -1, 32)
	}
	return strconv.AppendBool(b, c.Bool(row))
}

// A Format writes a table of n rows.
type Format func(w io.Writer, n int, table []Column) error

// formats are the suffixes of file names, and what is written to such a file.
var formats = []struct {
	suffix string
	Format
}{{".csv", CSV}, {".json", JSON}, {".jsonl", JSONLines}, {".parquet", Parquet}}

// Suffixes returns the suffixes of file names that For knows.
func Suffixes() []string {
	var all []string
	for _, f := range formats {
		all = append(all, f.suffix)
	}
	return all
}

// For returns the format of a file of that name, by its suffix in upper or lower case;
// nil if the suffix is none of Suffixes.
func For(name string) Format {
	for _, f := range formats {
		if strings.EqualFold(filepath.Ext(name), f.suffix) {
			return f.Format
		}
	}
	return nil
}

// CSV writes a line of names and a line for each of n rows, as RFC 4180 has it, with
// line feeds. Truth values are true and false.
func CSV(w io.Writer, n int, table []Column) error {
	b := bufio.NewWriter(w)
	var line []byte
	for j, c := range table {
		line = appendCell(separate(line, j), c.Name)
	}
	for i := range n + 1 {
		if _, err := b.Write(append(line, '\n')); err != nil {
			return err
		}
		line = line[:0]
		if i == n {
			break
		}
		for j := range table {
			c := &table[j]
			line = separate(line, j)
			switch {
			case c.missing(i):
			case c.Int == nil && c.Float == nil && c.Text != nil:
				line = appendCell(line, c.Text(i))
			default:
				line = c.appendNumber(line, i)
			}
		}
	}
	return b.Flush()
}

// separate appends a comma before every cell or member but the first.
func separate(line []byte, j int) []byte {
	if j > 0 {
		line = append(line, ',')
	}
	return line
}

// appendCell appends a text as a cell of CSV: in quotes if it would be read as something
// else without them.
func appendCell(line []byte, s string) []byte {
	if !strings.ContainsAny(s, ",\"\r\n") && strings.TrimSpace(s) == s {
		return append(line, s...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(s, `"`, `""`)...)
	return append(line, '"')
}
