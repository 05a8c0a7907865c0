package table

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"strconv"

	"github.com/imago-ml/imago/data"
)

// Rows are rows of D numbers and, unless nil, a label for each.
type Rows struct {
	Values []float64 // (N, D), finite
	Labels []int32   // (N)

	Origins data.Origins // where each row comes from
}

// MaxColumns and MaxNumbers are the most columns and numbers a table may have.
const (
	MaxColumns = 1 << 16
	MaxNumbers = data.MaxInMemory / 8
)

// Tabulate returns a set of rows of numbers with columns of those names. Without test
// rows, some of the others are held out (data.HoldOut). Each column is scaled by the
// least and the greatest value of the training part,
//
//	x = (v − min) / (max − min),
//
// and a column of one value is 0, other values of it too. Rows of opt.Without, which are
// not trained on, do not count. With opt.Scale robust, min and max are no further than 3 interquartile ranges from
// the quartiles: the outer fences of Tukey, "Exploratory Data Analysis", 1977. If
// opt.Medium is a table, min and max are those of its columns, whose names must agree.
//
// A value outside is replaced by the nearer end, because likelihoods of values outside
// [0, 1] mean nothing; data.Split.Beyond tells it. A missing value is NaN, which opt.Fill
// must allow. The notes of the set say what the columns hold and what looks wrong.
func Tabulate(ctx context.Context, name string, names []string, train, test Rows, classes []string, opt data.Options) (*data.Set, error) {
	columns := make([]Column, len(names))
	for j, name := range names {
		columns[j].Name = name
	}
	if like, ok := opt.Medium.(Medium); ok && len(like.Columns) > 0 {
		if len(like.Columns) != len(names) {
			return nil, fmt.Errorf("%d columns of numbers, want the %d of the table it goes with", len(names), len(like.Columns))
		}
		for i, c := range like.Columns {
			if c.Name != names[i] {
				return nil, fmt.Errorf("column %d is called %s, in the table it goes with %s", i+1, names[i], c.Name)
			}
		}
		columns = like.Columns
	}
	return tabulate(ctx, name, columns, train, test, classes, opt)
}

// tabulate does the work of Tabulate for columns without their ranges, or with those of
// opt.Medium.
func tabulate(ctx context.Context, name string, columns []Column, train, test Rows, classes []string, opt data.Options) (*data.Set, error) {
	d := len(columns)
	if d == 0 || d > MaxColumns {
		return nil, fmt.Errorf("%d columns of numbers, want 1 to %d", d, MaxColumns)
	}
	if len(train.Values) == 0 {
		return nil, fmt.Errorf("no rows")
	}
	names := make([]string, d)
	for j, c := range columns {
		names[j] = c.Name
	}
	id := sha256.New()
	fmt.Fprintf(id, "table %q %q\n", names, classes)
	for _, r := range []Rows{train, test} {
		if len(r.Values) > MaxNumbers {
			return nil, fmt.Errorf("%d numbers, want at most %d: take a part of the rows or columns", len(r.Values), MaxNumbers)
		}
		if len(r.Values)%d != 0 || r.Labels != nil && len(r.Labels) != len(r.Values)/d {
			return nil, fmt.Errorf("%d values and %d labels for rows of %d columns", len(r.Values), len(r.Labels), d)
		}
		for i, l := range r.Labels {
			if l < 0 || int(l) >= len(classes) {
				return nil, fmt.Errorf("label %d of row %d is outside [0, %d)", l, i, len(classes))
			}
		}
		r.digest(id)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if opt.Fill != "" {
		fmt.Fprintln(id, "fill", opt.Fill)
	}
	set := &data.Set{Name: name, Classes: classes}
	var err error
	if train, test, err = complete(set, columns, train, test, opt); err != nil {
		return nil, err
	}
	if len(test.Values) == 0 {
		in, out := data.HoldOut(len(train.Values)/d, opt, strconv.Itoa)
		train, test = train.only(in, d), train.only(out, d)
		fmt.Fprintln(id, "held out", out)
	}
	like, _ := opt.Medium.(Medium)
	if len(like.Columns) == 0 {
		if columns, err = describe(set, columns, train, opt); err != nil {
			return nil, err
		}
	}
	digestColumns(id, columns)
	for _, r := range []*Rows{&train, &test} {
		if r.Values, err = filled(r.Values, columns); err != nil {
			return nil, err
		}
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	outside := 0
	for _, p := range []struct {
		*data.Split
		Rows
	}{{&set.Train, train}, {&set.Test, test}} {
		items, n, err := newItems(p.Values, columns)
		if err != nil {
			return nil, err
		}
		outside += n
		p.Split.Items, p.Split.Labels, p.Split.Origins = items, p.Rows.Labels, p.Rows.Origins
	}
	if outside > 0 {
		tellOutside(set, outside, len(train.Values)+len(test.Values), len(like.Columns) > 0)
	}
	return set, nil
}

// digestColumns adds the columns to a digest. The ranges come first, as they did before
// columns had kinds.
func digestColumns(id hash.Hash, columns []Column) {
	type ranged struct {
		Name     string
		Min, Max float64
	}
	ranges := make([]ranged, len(columns))
	for j, c := range columns {
		ranges[j] = ranged{c.Name, c.Min, c.Max}
	}
	fmt.Fprintln(id, ranges)
	for j, c := range columns {
		if c.Kind != "" {
			fmt.Fprintf(id, "column %d %q %q %q %q %q\n", j, c.Kind, c.Layout, c.Word, c.Other, c.Of)
		}
		if c.Fill != nil {
			fmt.Fprintln(id, "fill", j, *c.Fill)
		}
	}
}

// scaled returns (v − lo)/(hi − lo), limited to [0, 1]; 0 if the range is one value. Halves
// keep a difference from overflowing.
func scaled(v, lo, hi float64) float32 {
	switch {
	case v <= lo || lo == hi:
		return 0
	case v >= hi:
		return 1
	}
	return float32((v/2 - lo/2) / (hi/2 - lo/2))
}

func (r Rows) digest(h hash.Hash) {
	fmt.Fprintln(h, len(r.Values), len(r.Labels))
	var b []byte
	for i, v := range r.Values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		if len(b) >= 1<<16 || i == len(r.Values)-1 {
			h.Write(b)
			b = b[:0]
		}
	}
	binary.Write(h, binary.LittleEndian, r.Labels) // to a hash: cannot fail
}

// only returns the rows of those indices.
func (r Rows) only(index []int, d int) Rows {
	out := Rows{Origins: r.Origins.Only(index)}
	for _, i := range index {
		out.Values = append(out.Values, r.Values[i*d:(i+1)*d]...)
		if r.Labels != nil {
			out.Labels = append(out.Labels, r.Labels[i])
		}
	}
	return out
}
