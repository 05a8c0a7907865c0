package table

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
)

// Name is the name of the medium in run.json.
const Name = "table"

// Medium is the medium of rows of D numbers. An item has shape (D); its values are
// scaled to [0, 1], and Columns are their units.
type Medium struct {
	Columns []Column `json:"columns,omitempty"` // D; none = the values themselves, from 0 to 1
}

// A Column is a column of a table of numbers. A column of words in a file is several of
// these, one for each word.
type Column struct {
	Name string  `json:"name"`
	Min  float64 `json:"min"` // the value that is scaled to 0
	Max  float64 `json:"max"` // the value that is scaled to 1

	Kind   string `json:"kind,omitempty"`   // what the cells of the file hold: "" = numbers, KindDate, KindBoolean or KindWord
	Layout string `json:"layout,omitempty"` // of dates, as in package time; their values are seconds since 1970
	Word   string `json:"word,omitempty"`   // the word for 1: a cell of words is 1 in the column of its word and 0 in the others
	Other  string `json:"other,omitempty"`  // the word for 0 of a KindBoolean
	Of     string `json:"of,omitempty"`     // the column of the file that a KindWord belongs to

	// Fill stands for a missing value; nil = there is none.
	Fill *float64 `json:"fill,omitempty"`
}

// The kinds of columns that are not of numbers.
const (
	KindDate    = "date"
	KindBoolean = "boolean"
	KindWord    = "word"
)

// source returns the name of the column of the file.
func (c Column) source() string {
	if c.Kind == KindWord {
		return c.Of
	}
	return c.Name
}

// cell returns what stands in a file for a value in the units of the column: the nearer
// of two words, a date, or a number of the precision of float32.
func (c Column) cell(v float64) any {
	switch c.Kind {
	case KindBoolean:
		if v >= 0.5 {
			return c.Word
		}
		return c.Other
	case KindDate:
		if !strings.Contains(c.Layout, "15") { // a day
			v += 43200
		}
		const year9999 = 253402300799
		return time.Unix(int64(min(max(v, -62135596800), year9999)), 0).UTC().Format(c.Layout)
	}
	return float64(float32(v))
}

// Item returns the item of rows of those columns.
func Item(columns []Column) medium.Item {
	return medium.Item{Medium: Medium{columns}, Shape: tensor.Shape{len(columns)}, Element: medium.Reals}
}

// Kind returns the kind of the medium, for medium.Registry.
func Kind() medium.Kind { return medium.KindOf[Medium](Name) }

// Noun returns "row".
func (Medium) Noun() string { return "row" }

// Name returns "table".
func (Medium) Name() string { return Name }

// Check returns an error unless item has one axis, as long as there are columns, and
// reals.
func (m Medium) Check(item medium.Item) error {
	if len(item.Shape) != 1 || item.Size() < 1 || item.Size() > MaxColumns {
		return fmt.Errorf("rows of shape %v: want one axis of 1 to %d", item, MaxColumns)
	}
	if n := len(m.Columns); n > 0 && n != item.Size() {
		return fmt.Errorf("rows of %v numbers with %d columns: want as many", item, n)
	}
	if item.Element != medium.Reals {
		return fmt.Errorf("rows of %v: want reals", item.Element)
	}
	return nil
}

// TileSize returns a picture of one row of D pixels.
func (Medium) TileSize(item medium.Item) (h, w, c int) { return 1, item.Size(), 1 }

// Tile draws each number as a grey pixel.
func (Medium) Tile(item medium.Item, values, dst []float32) { copy(dst, values) }

// Format returns CSV files of many rows.
func (Medium) Format(medium.Item) medium.Format {
	return medium.Format{Extension: ".csv", Many: true}
}

// column returns column j, which without Columns is called by its number from 1.
func (m Medium) column(j int) Column {
	if len(m.Columns) == 0 {
		return Column{Name: strconv.Itoa(j + 1), Max: 1}
	}
	return m.Columns[j]
}

// group returns the end of the columns that begin at j and are one column of a file: those
// of its words.
func (m Medium) group(j int) int {
	first := m.column(j)
	end := j + 1
	if first.Kind != KindWord {
		return end
	}
	for end < len(m.Columns) && m.Columns[end].Kind == KindWord && m.Columns[end].Of == first.Of && m.Columns[end].Word != first.Word {
		end++
	}
	return end
}

// Header returns the names of the columns of a file.
func (m Medium) Header(item medium.Item) []string {
	var names []string
	for j := 0; j < item.Size(); j = m.group(j) {
		names = append(names, m.column(j).source())
	}
	return names
}

// Cells returns a row in the units of its columns, min + x·(max − min): a number as a
// float64 of the precision of float32, a date or a word as a string. Of words it is that
// of the greatest value.
func (m Medium) Cells(item medium.Item, values []float32) []any {
	var cells []any
	for j := 0; j < item.Size(); {
		c, end, most := m.column(j), m.group(j), j
		for k := j; k < end; k++ {
			if values[k] > values[most] {
				most = k
			}
		}
		if c.Kind == KindWord {
			cells = append(cells, m.column(most).Word)
		} else {
			x := float64(values[j])
			cells = append(cells, c.cell(c.Min*(1-x)+c.Max*x))
		}
		j = end
	}
	return cells
}

// Encode returns a CSV file: the names of the columns, then a line for each row in the
// units of the columns, min + x·(max − min), with as many digits as float32 has.
func (m Medium) Encode(item medium.Item, values []float32) ([]byte, error) {
	d := item.Size()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := m.Header(item)
	w.Write(header) // a Buffer takes everything
	line := make([]string, len(header))
	for at := 0; at < len(values); at += d {
		for j, cell := range m.Cells(item, values[at:at+d]) {
			if v, ok := cell.(float64); ok {
				line[j] = strconv.FormatFloat(v, 'g', -1, 32)
			} else {
				line[j] = fmt.Sprint(cell)
			}
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// Decode returns the rows of a CSV file that has the columns by their names, in any order
// and beside others, or else by their places if one of the two has no names. Values
// outside the range of a column are replaced by the nearer end.
func (m Medium) Decode(item medium.Item, file []byte) ([]float32, error) {
	like := Medium{}
	for j := range item.Size() {
		like.Columns = append(like.Columns, m.column(j))
	}
	t, err := parse(context.Background(), inMemory(file), data.Options{Medium: like})
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	values := make([]float32, len(t.values))
	for i, v := range t.values {
		c := like.Columns[i%len(like.Columns)]
		values[i] = scaled(v, c.Min, c.Max)
	}
	return values, nil
}
