package table

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

const (
	fence      = 3    // interquartile ranges from the quartiles to the outer fences
	squashed   = 0.01 // the middle of a column takes so small a part of its range
	endPart    = 0.01 // the part of the values at either end that is no middle
	mostShown  = 8    // columns whose ranges are told
	mostWarned = 5    // columns that are warned of by name
)

// complete returns the rows without those that miss a value, if opt.Fill leaves them out.
// It fails if a value is missing and opt.Fill does not say what stands for it.
func complete(set *data.Set, columns []Column, train, test Rows, opt data.Options) (_, _ Rows, err error) {
	d := len(columns)
	parts := [2]Rows{train, test}
	for k, r := range parts {
		var whole []int
		missing, first := 0, 0
		for i := range len(r.Values) / d {
			if j := slices.IndexFunc(r.Values[i*d:(i+1)*d], math.IsNaN); j < 0 {
				whole = append(whole, i)
			} else if missing++; missing == 1 {
				first = i*d + j
			}
		}
		split := data.Split{Origins: r.Origins}
		switch {
		case missing == 0 || opt.Fill == data.FillMean || opt.Fill == data.FillMedian:
		case opt.Fill == data.FillDrop && (len(whole) > 0 || k == 1):
			parts[k] = r.only(whole, d)
			set.Warn("left out because a value is missing: %s of %s, the first %s", english.Plural(missing, "row"), english.Thousands(float64(len(r.Values)/d)), split.Origin(first/d))
		case opt.Fill == data.FillDrop:
			return train, test, fmt.Errorf("a value is missing in every row")
		default:
			return train, test, option.Errorf("a value is missing in %s, the first in column %s of %s: say {Fill} mean, median, or drop to leave such rows out", english.Plural(missing, "row"), columns[first%d].Name, split.Origin(first/d))
		}
	}
	return parts[0], parts[1], nil
}

// filled returns the values with the value of its column in place of each that is missing.
func filled(values []float64, columns []Column) ([]float64, error) {
	own := false
	for i, v := range values {
		if !math.IsNaN(v) {
			continue
		}
		c := columns[i%len(columns)]
		if c.Fill == nil {
			return nil, option.Errorf("a value is missing in column %s, and the table that these data go with has none to put in its place: leave such rows out with {Fill} drop", c.Name)
		}
		if !own {
			values, own = slices.Clone(values), true
		}
		values[i] = *c.Fill
	}
	return values, nil
}

// describe returns the columns with the ranges of the training rows, and what stands for
// missing values. It adds notes on what the columns hold.
func describe(set *data.Set, columns []Column, train Rows, opt data.Options) ([]Column, error) {
	d := len(columns)
	var left []int // rows
	for i := range len(train.Values) / d {
		if train.Labels == nil || !slices.Contains(opt.Without, set.Classes[train.Labels[i]]) {
			left = append(left, i)
		}
	}
	if len(left) == 0 {
		return nil, fmt.Errorf("no training rows are left without %s", strings.Join(opt.Without, ", "))
	}
	out := slices.Clone(columns)
	stats := make([]column, d)
	for j := range out {
		v := make([]float64, 0, len(left))
		for _, i := range left {
			if x := train.Values[i*d+j]; !math.IsNaN(x) {
				v = append(v, x)
			}
		}
		if len(v) == 0 {
			return nil, option.Errorf("column %s has no value in the training part: leave it out with {Drop}", out[j].Name)
		}
		slices.Sort(v)
		c := newColumn(v)
		stats[j] = c
		out[j].Min, out[j].Max = c.lo, c.hi
		if opt.Scale == data.ScaleRobust && out[j].Kind == "" {
			out[j].Min, out[j].Max = c.fences()
		}
		switch opt.Fill {
		case data.FillMean:
			out[j].Fill = &c.mean
		case data.FillMedian:
			out[j].Fill = &c.median
		}
	}
	fillWords(out, stats, opt)
	tell(set, out, stats)
	for j := range out {
		if stats[j].glitch && opt.Scale != data.ScaleRobust && out[j].Kind == "" {
			stats[j].where = place(train, left, j, d, stats[j].far)
		}
	}
	warn(set, out, stats)
	return out, nil
}

// fillWords makes what stands for a missing word the most frequent one, and of two words
// likewise.
func fillWords(columns []Column, stats []column, opt data.Options) {
	if opt.Fill != data.FillMean && opt.Fill != data.FillMedian {
		return
	}
	m := Medium{columns}
	for j := 0; j < len(columns); j = m.group(j) {
		switch columns[j].Kind {
		case KindBoolean:
			v := math.Round(stats[j].mean)
			columns[j].Fill = &v
		case KindWord:
			most := j
			for k := j; k < m.group(j); k++ {
				if stats[k].mean > stats[most].mean {
					most = k
				}
			}
			for k := j; k < m.group(j); k++ {
				v := 0.0
				if k == most {
					v = 1
				}
				columns[k].Fill = &v
			}
		}
	}
}

// A column is what the training values of a column are like.
type column struct {
	lo, hi, mean, median float64
	quarter, three       float64 // the quartiles
	distinct             int
	glitch               bool    // the middle takes a small part of the range
	low, high            float64 // the ends of the middle
	far                  float64 // the value furthest from it
	where                string  // which row has it
}

// newColumn describes sorted values, at least one.
func newColumn(v []float64) column {
	n := len(v)
	at := func(q float64) float64 { // linear between two values, as NumPy's default
		i := q * float64(n-1)
		k := int(i)
		return v[k] + (i-float64(k))*(v[min(k+1, n-1)]-v[k])
	}
	c := column{lo: v[0], hi: v[n-1], median: at(0.5), quarter: at(0.25), three: at(0.75), distinct: 1}
	for i, x := range v {
		c.mean += (x - c.mean) / float64(i+1)
		if i > 0 && x != v[i-1] {
			c.distinct++
		}
	}
	ends := max(1, int(endPart*float64(n)))
	if n < 5 {
		return c
	}
	c.low, c.high = v[ends], v[n-1-ends]
	width := c.hi/2 - c.lo/2 // halves do not overflow
	c.glitch = c.high > c.low && c.high/2-c.low/2 < squashed*width
	if c.far = c.hi; c.low-c.lo > c.hi-c.high {
		c.far = c.lo
	}
	return c
}

// fences returns the range that reaches to the values, and no further than the outer
// fences; the whole range if the quartiles are one value.
func (c column) fences() (lo, hi float64) {
	iqr := c.three - c.quarter
	if !(iqr > 0) || math.IsInf(iqr, 0) {
		return c.lo, c.hi
	}
	return max(c.lo, c.quarter-fence*iqr), min(c.hi, c.three+fence*iqr)
}

// place says which of those training rows has that value in column j.
func place(train Rows, left []int, j, d int, value float64) string {
	split := data.Split{Origins: train.Origins}
	for _, i := range left {
		if train.Values[i*d+j] == value {
			return split.Origin(i).String()
		}
	}
	return "a row"
}

// tell adds notes on the ranges of the first columns.
func tell(set *data.Set, columns []Column, stats []column) {
	m := Medium{columns}
	shown, rest := 0, 0
	for j := 0; j < len(columns); j = m.group(j) {
		c := columns[j]
		if c.Kind == KindWord {
			continue // its words were told
		}
		if shown == mostShown {
			rest++
			continue
		}
		shown++
		ends := english.Distinct(stats[j].lo, stats[j].hi)
		if c.Kind != "" { // as the file has it
			ends = []string{fmt.Sprint(c.cell(stats[j].lo)), fmt.Sprint(c.cell(stats[j].hi))}
		}
		set.Tell("column %s: %s to %s, %s", c.Name, ends[0], ends[1], english.Plural(stats[j].distinct, "different value"))
	}
	if rest > 0 {
		set.Tell("and %s", english.Plural(rest, "more column"))
	}
}

// warn adds warnings of columns of one value, and of those that a few values squash.
func warn(set *data.Set, columns []Column, stats []column) {
	var constant []string
	glitches := 0
	for j, c := range columns {
		s := stats[j]
		if s.distinct == 1 {
			constant = append(constant, c.Name)
		}
		if s.where == "" {
			continue
		}
		if glitches++; glitches > mostWarned {
			continue
		}
		part := "hundredth"
		if s.high/2-s.low/2 < 1e-6*(s.hi/2-s.lo/2) {
			part = "millionth"
		}
		set.Warn("column %s: almost all values lie between %.6g and %.6g, within a %s of its range, because of %.6g in %s: if that is a slip, mend it; else say {Scale} robust", c.Name, s.low, s.high, part, s.far, s.where)
	}
	if glitches > mostWarned {
		set.Warn("and %s that a few values squash so", english.Plural(glitches-mostWarned, "more column"))
	}
	if len(constant) > 0 && len(columns) > 1 {
		set.Warn("the same value in every training row, which says nothing of them: %s", english.Some(constant))
	}
}

// tellOutside tells of values outside the range of their columns, and names some. Of data
// that are like others it warns.
func tellOutside(set *data.Set, outside, of int, like bool) {
	var first []string
	for _, p := range []data.Split{set.Train, set.Test} {
		for i := 0; i < p.Len() && len(first) < 3; i++ {
			for _, b := range p.Beyond(i) {
				if len(first) < 3 {
					text := english.Distinct(b.Value, b.Min, b.Max)
					first = append(first, fmt.Sprintf("%s is %s in %s, outside %s to %s", b.Name, text[0], p.Origin(i), text[1], text[2]))
				}
			}
		}
	}
	more := ""
	if outside > len(first) {
		more = "; …"
	}
	note := set.Tell
	if like {
		note = set.Warn
	}
	note("outside the range of the training part, whose ends the model sees in their place: %s of %s; %s%s", english.Plural(outside, "value"), english.Thousands(float64(of)), strings.Join(first, "; "), more)
}
