package columns

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
)

// JSON writes an array with one object a row, each on its own line, whose members are
// named as the columns. JSON has no NaN and no infinity: they are null, as a missing
// value is.
func JSON(w io.Writer, n int, table []Column) error {
	return writeObjects(w, n, table, "[\n", ",\n", "\n]\n")
}

// JSONLines writes one such object a line (https://jsonlines.org), without an array
// around them.
func JSONLines(w io.Writer, n int, table []Column) error {
	last := "\n"
	if n == 0 {
		last = ""
	}
	return writeObjects(w, n, table, "", "\n", last)
}

// writeObjects writes the objects of the rows with the text first before them, between
// two of them, and last after them.
func writeObjects(w io.Writer, n int, table []Column, first, between, last string) error {
	b := bufio.NewWriter(w)
	b.WriteString(first) // b keeps an error for Flush
	names := make([][]byte, len(table))
	for j, c := range table {
		names[j] = append(appendString(nil, c.Name), ':')
	}
	var line []byte
	for i := range n {
		line = append(line[:0], '{')
		for j := range table {
			c := &table[j]
			line = append(separate(line, j), names[j]...)
			switch {
			case c.missing(i) || c.Int == nil && c.Float != nil && !finite(c.Float(i)):
				line = append(line, "null"...)
			case c.Int == nil && c.Float == nil && c.Text != nil:
				line = appendString(line, c.Text(i))
			default:
				line = c.appendNumber(line, i)
			}
		}
		b.Write(append(line, '}'))
		if i < n-1 {
			b.WriteString(between)
		}
	}
	b.WriteString(last)
	return b.Flush()
}

// finite reports whether v is neither NaN nor infinite.
func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// appendString appends s as a JSON string.
func appendString(line []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a Buffer takes everything, and a string is always encoded
	return append(line, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
