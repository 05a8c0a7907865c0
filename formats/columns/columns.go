// Package columns writes tables of numbers, given as columns, to CSV and Parquet files.
// Use CSV or Parquet with a slice of Column. It reads no files and must not know what
// the numbers mean.
package columns

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"
)

// A Column is a name and one number for each row: Int, or Float if Int is nil.
type Column struct {
	Name  string
	Int   func(row int) int32
	Float func(row int) float32
}

// CSV writes a line of names and a line for each of n rows. A number has as many digits
// as reading it back exactly needs.
func CSV(w io.Writer, n int, table []Column) error {
	b := bufio.NewWriter(w)
	names := make([]string, len(table))
	for j, c := range table {
		names[j] = c.Name
	}
	head := csv.NewWriter(b)
	if err := head.Write(names); err != nil {
		return err
	}
	head.Flush()
	var line []byte
	for i := range n {
		line = line[:0]
		for j, c := range table {
			if j > 0 {
				line = append(line, ',')
			}
			if c.Int != nil {
				line = strconv.AppendInt(line, int64(c.Int(i)), 10)
			} else {
				line = strconv.AppendFloat(line, float64(c.Float(i)), 'g', -1, 32)
			}
		}
		if _, err := b.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return b.Flush()
}
