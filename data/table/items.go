package table

import "github.com/imago-ml/imago/data"

// items are the rows of a table, scaled to [0, 1].
type items struct {
	*data.Values
	raw     []float64 // (N, D), before they were scaled
	columns []Column
}

// newItems returns rows of numbers (N, D) scaled by their columns, and how many of the
// numbers lie outside the range of their column. It keeps the numbers if one does.
func newItems(numbers []float64, columns []Column) (rows data.Items, outside int, err error) {
	values := make([]float32, len(numbers))
	for i, v := range numbers {
		c := columns[i%len(columns)]
		if v < c.Min || v > c.Max {
			outside++
		}
		values[i] = scaled(v, c.Min, c.Max)
	}
	scaled, err := data.NewValues(values, Item(columns))
	if err != nil || outside == 0 {
		return scaled, outside, err
	}
	return items{scaled, numbers, columns}, outside, nil
}

// Beyond returns the numbers of row i that lie outside the range of their column; see
// data.Bounded.
func (r items) Beyond(i int) []data.Beyond {
	var out []data.Beyond
	d := len(r.columns)
	for j, v := range r.raw[i*d : (i+1)*d] {
		if c := r.columns[j]; v < c.Min || v > c.Max {
			out = append(out, data.Beyond{Column: j, Name: c.Name, Value: v, Min: c.Min, Max: c.Max})
		}
	}
	return out
}
