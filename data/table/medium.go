package table

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"

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

// A Column is a column of a table of numbers.
type Column struct {
	Name string  `json:"name"`
	Min  float64 `json:"min"` // the value that is scaled to 0
	Max  float64 `json:"max"` // the value that is scaled to 1
}

// Item returns the item of rows of those columns.
func Item(columns []Column) medium.Item {
	return medium.Item{Medium: Medium{columns}, Shape: tensor.Shape{len(columns)}, Element: medium.Reals}
}

// Kind returns the kind of the medium, for medium.Registry.
func Kind() medium.Kind { return medium.KindOf[Medium](Name) }

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
		return Column{strconv.Itoa(j + 1), 0, 1}
	}
	return m.Columns[j]
}

// Header returns the names of the columns.
func (m Medium) Header(item medium.Item) []string {
	names := make([]string, item.Size())
	for j := range names {
		names[j] = m.column(j).Name
	}
	return names
}

// Cells returns a row in the units of its columns, min + x·(max − min), each a float64 of
// the precision of float32.
func (m Medium) Cells(_ medium.Item, values []float32) []any {
	cells := make([]any, len(values))
	for j, x := range values {
		c := m.column(j)
		cells[j] = float64(float32(c.Min*(1-float64(x)) + c.Max*float64(x)))
	}
	return cells
}

// Encode returns a CSV file: the names of the columns, then a line for each row in the
// units of the columns, min + x·(max − min), with as many digits as float32 has.
func (m Medium) Encode(item medium.Item, values []float32) ([]byte, error) {
	d := item.Size()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(m.Header(item)) // a Buffer takes everything
	line := make([]string, d)
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

// Decode returns the rows of a CSV file whose columns of numbers have the names of the
// columns, in any order and beside others, or else are as many. Values outside the
// range of a column are replaced by the nearer end.
func (m Medium) Decode(item medium.Item, file []byte) ([]float32, error) {
	t, err := parse(context.Background(), bytes.NewReader(file), "")
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	d, width := item.Size(), len(t.columns)
	from := make([]int, d) // of a column, in the file
	at := make(map[string]int, width)
	for i, name := range t.columns {
		at[name] = i
	}
	for j := range from {
		i, ok := at[m.column(j).Name]
		if !ok && width != d {
			return nil, fmt.Errorf("table: %d columns of numbers, none called %s: want the %d that the rows have", width, m.column(j).Name, d)
		}
		if from[j] = i; !ok {
			for j := range from {
				from[j] = j
			}
			break
		}
	}
	var values []float32
	for row := 0; row < len(t.values); row += width {
		for j, i := range from {
			c := m.column(j)
			values = append(values, scaled(t.values[row+i], c.Min, c.Max))
		}
	}
	return values, nil
}
