package viz

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"

	"github.com/imago-ml/imago/data/medium"
)

// Items that are records of named cells, such as the rows of a table, are drawn as a table:
// a line for each item, in the units of its columns, and behind each number a bar from the
// smallest to the largest value of the column.

// The limits of a picture of records.
const (
	maxFields  = 12  // columns; of more, those that vary most
	maxRecords = 130 // lines
)

// The distances in a table of records, in units.
const (
	recordLine = 19.0
	recordHead = 26.0
	recordPad  = 9.0
	wordField  = 110.0 // width of a column of words
	textField  = 640.0 // of the only column, at most
	leftField  = 190.0 // of the words before a line, at most
)

var (
	fieldText = style{size: 11, col: ink}
	fieldHead = style{size: 11, bold: true, col: muted}
)

// records are items of a tabular medium.
type records struct {
	of     medium.Tabular
	item   medium.Item
	values []float32
	n      int
	fields []field // that are drawn
	note   string  // which are left out; "" = none
}

// A field is a column of records.
type field struct {
	at     int // in the cells of an item
	name   string
	words  bool
	lo, hi float64 // the values for 0 and 1
	digits int
	width  float64
}

// recordsOf returns the records of values (n, Shape). ok is false for items that are no
// records.
func recordsOf(item medium.Item, values []float32) (r records, ok bool) {
	of, ok := item.Medium.(medium.Tabular)
	if !ok || item.Check() != nil || len(values) == 0 || len(values)%item.Size() != 0 {
		return r, false
	}
	r = records{of: of, item: item, values: values, n: len(values) / item.Size()}
	ends := [2][]any{of.Cells(item, make([]float32, item.Size())), of.Cells(item, slices.Repeat([]float32{1}, item.Size()))}
	for j, name := range of.Header(item) {
		f := field{at: j, name: name, width: wordField}
		lo, isNumber := ends[0][j].(float64)
		hi, isToo := ends[1][j].(float64)
		if f.words = !isNumber || !isToo; !f.words {
			f.lo, f.hi = lo, hi
			if d := math.Abs(hi - lo); d > 0 && !math.IsInf(d, 0) {
				f.digits = int(min(max(math.Ceil(2-math.Log10(d)), 0), 6))
			}
			f.width = max(fieldText.width(f.text(lo)), fieldText.width(f.text(hi)), 44) + 2*recordPad
		}
		f.width = max(f.width, min(fieldHead.width(name), 120)+2*recordPad)
		r.fields = append(r.fields, f)
	}
	if len(r.fields) == 1 && r.fields[0].words { // items that are texts: as wide as the longest
		f := &r.fields[0]
		for i := range min(r.n, maxRecords) {
			f.width = max(f.width, min(fieldText.width(fmt.Sprint(r.cells(i)[f.at]))+2*recordPad, textField))
		}
	}
	if all := len(r.fields); all > maxFields {
		r.fields = r.varying(maxFields)
		r.note = fmt.Sprintf("%d of %d columns, those that vary most", maxFields, all)
	}
	return r, true
}

// text returns a number of the column with the digits that its range needs.
func (f *field) text(v float64) string {
	if a := math.Abs(v); a != 0 && (a >= 1e7 || a < 1e-4) {
		return exponent(v, 2)
	}
	return number(v, f.digits)
}

// fraction returns where in the range of its column a number lies, in [0, 1].
func (f *field) fraction(v float64) float64 {
	t := (v - f.lo) / (f.hi - f.lo)
	if !(t > 0) {
		return 0
	}
	return min(t, 1)
}

// cells returns the cells of item k.
func (r *records) cells(k int) []any {
	size := r.item.Size()
	return r.of.Cells(r.item, r.values[k*size:(k+1)*size])
}

// varying returns the n columns that vary most among the items, in their order.
func (r *records) varying(n int) []field {
	sum, squares := make([]float64, len(r.fields)), make([]float64, len(r.fields))
	for k := range r.n {
		cells := r.cells(k)
		for j := range r.fields {
			if v, ok := cells[j].(float64); ok {
				t := r.fields[j].fraction(v)
				sum[j], squares[j] = sum[j]+t, squares[j]+t*t
			}
		}
	}
	order := make([]int, len(r.fields))
	spread := make([]float64, len(r.fields))
	for j := range order {
		mean := sum[j] / float64(r.n)
		order[j], spread[j] = j, squares[j]/float64(r.n)-mean*mean
		if r.fields[j].words {
			spread[j] = 1 // words come first: they are few, and tell most
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case spread[a] > spread[b]:
			return -1
		case spread[a] < spread[b]:
			return 1
		}
		return 0
	})
	var out []field
	for _, j := range slices.Sorted(slices.Values(order[:n])) {
		out = append(out, r.fields[j])
	}
	return out
}

// A recordLabel is what stands before a record: the group, where one begins, and the name.
type recordLabel struct {
	group, name string
}

// draw draws the records as a table. labels has the words before each; every is the number
// of records after which a rule is drawn, 0 = none.
func (r *records) draw(place string, words figureWords, labels []recordLabel, every int) (image.Image, error) {
	n := min(r.n, maxRecords)
	if every > 1 && n < r.n {
		n = max(n/every, 1) * every
	}
	n = min(n, r.n)
	if n < r.n {
		words.note = withNote(words.note, fmt.Sprintf("the first %d of %d rows", n, r.n))
	}
	words.note = withNote(words.note, r.note)
	group, name := 0.0, 0.0
	for _, l := range labels[:n] {
		group, name = max(group, fieldHead.width(l.group)), max(name, fieldText.width(l.name))
	}
	group, name = min(group, leftField), min(name, leftField)
	left := 14.0
	groupAt := left
	if group > 0 {
		left += group + 14
	}
	nameAt := left
	if name > 0 {
		left += name + 14
	}
	width := left
	for _, f := range r.fields {
		width += f.width
	}
	width = max(width+12, words.width())
	top, lines := words.room(width)
	s, err := newRaster(place, width, top+recordHead+float64(n)*recordLine+12, Density)
	if err != nil {
		return nil, err
	}
	words.draw(s, lines)
	x := left
	for _, f := range r.fields {
		head := fieldHead
		at := x + recordPad
		if !f.words {
			head, at = head.at(1), x+f.width-recordPad
		}
		s.text(at, top+16, head, shorten(head, f.name, f.width-recordPad))
		x += f.width
	}
	s.line([]xy{{12, top + recordHead - 3}, {width - 12, top + recordHead - 3}}, 1, nil, edge)
	for k := range n {
		y := top + recordHead + float64(k)*recordLine
		mid := y + recordLine/2
		if every > 0 && k > 0 && k%every == 0 {
			s.line([]xy{{12, y}, {width - 12, y}}, 1, nil, rule)
		}
		s.centred(groupAt, mid, fieldHead, shorten(fieldHead, labels[k].group, group+1))
		s.centred(nameAt, mid, fieldText.in(muted), shorten(fieldText, labels[k].name, name+1))
		x := left
		cells := r.cells(k)
		for _, f := range r.fields {
			r.cell(s, f, cells[f.at], x, y)
			x += f.width
		}
	}
	return s.image(), nil
}

// cell draws one cell with its left upper corner at (x, y).
func (r *records) cell(s *surface, f field, v any, x, y float64) {
	mid := y + recordLine/2
	if f.words {
		s.centred(x+recordPad, mid, fieldText, shorten(fieldText, fmt.Sprint(v), f.width-recordPad))
		return
	}
	number, ok := v.(float64)
	if !ok {
		return
	}
	room := f.width - 8
	s.rect(x+4, y+2.5, room, recordLine-5, barBack)
	s.rect(x+4, y+2.5, room*f.fraction(number), recordLine-5, barFill)
	s.centred(x+f.width-recordPad, mid, fieldText.at(1), f.text(number))
}

var (
	barBack = mix(paper, classes[0], 0.05)
	barFill = mix(paper, classes[0], 0.24)
)

// numbered returns n labels from 1, or the names if there are some.
func numbered(n int, names []string) []recordLabel {
	labels := make([]recordLabel, n)
	for i := range labels {
		labels[i].name = strconv.Itoa(i + 1)
		if names != nil {
			labels[i].name = names[i]
		}
	}
	return labels
}
