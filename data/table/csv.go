package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

// numberBytes is about what a number takes in memory while a table is read: as it stands in the file, in its part, and
// scaled.
const numberBytes = 24

// A parsed is a table as it stands in its file.
type parsed struct {
	columns   []Column  // of the numbers, without their ranges
	values    []float64 // (N, D); NaN = missing
	label     int       // column of the label in the file; −1 = there is none
	labelName string
	labels    []int32  // of each row, by its first appearance
	kinds     []string // each distinct label, in that order
	number    map[string]int32
	lines     []int32 // of each row, where it begins in the file
	rows      []int32 // of each row, its number in the file, from 0
	dropped   int     // rows that were left out because a value is missing
	notes     []data.Note
}

// parse reads a table: once to see what its columns hold, and again for its values.
func parse(ctx context.Context, t *text, opt data.Options) (*parsed, error) {
	if err := t.look(); err != nil {
		return nil, err
	}
	s, err := t.survey(ctx, opt)
	if err == nil && s.foreign && !t.utf16 {
		t.latin = true
		if s, err = t.survey(ctx, opt); err == nil {
			s.notes.Tell("the text is not UTF-8, and is read as Windows-1252 (Latin-1)")
		}
	}
	if err != nil {
		return nil, err
	}
	p, err := newPlan(s, opt)
	if err != nil {
		return nil, err
	}
	if err := p.checkHoles(opt); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	out := &parsed{label: p.label, number: map[string]int32{}}
	if p.label >= 0 {
		out.labelName = p.names[p.label]
	}
	for _, f := range p.features {
		out.columns = append(out.columns, f.columns...)
	}
	d := len(out.columns)
	if s.rows > MaxNumbers/d {
		return nil, fmt.Errorf("%w: more than %d numbers: take a part of the rows or columns", ErrFormat, MaxNumbers)
	}
	if err := errors.Join(data.CheckItems(s.rows), memory.Check(numberBytes*int64(s.rows)*int64(d), "a table of %d rows and %d columns of numbers", s.rows, d)); err != nil {
		return nil, err
	}
	out.values = make([]float64, 0, s.rows*d)
	n, first := -1, s.header
	err = t.each(ctx, func(line int, cells []string) error {
		if first {
			first = false
			return nil
		}
		n++
		if len(cells) != len(s.first) {
			return misfit(line, len(cells), len(s.first))
		}
		return p.row(out, n, line, cells, opt)
	})
	if err != nil {
		return nil, err
	}
	if out.dropped > 0 {
		s.notes.Warn("left out because a value is missing: %s of %s", english.Plural(out.dropped, "row"), english.Thousands(float64(s.rows)))
	}
	if len(out.values) == 0 {
		return nil, fmt.Errorf("%w: no row is left, a value is missing in each", ErrFormat)
	}
	out.notes = s.notes.Notes
	return out, nil
}

// checkHoles returns an error that counts the missing values, unless opt says what stands
// for them.
func (p *plan) checkHoles(opt data.Options) error {
	type hole struct{ column, n, line int }
	var found []hole
	at := []int{}
	for _, f := range p.features {
		at = append(at, f.at)
	}
	if p.label >= 0 {
		at = append(at, p.label)
		if c := p.survey.columns[p.label]; c.holes > 0 && opt.Fill != data.FillDrop {
			return option.Errorf("line %d, %s: no label, nor in %d other rows: fill them in, or leave the rows out with {Fill} drop", c.hole, p.shown(p.label), c.holes-1)
		}
	}
	total := 0
	for _, i := range at {
		if c := p.survey.columns[i]; c.holes > 0 {
			found = append(found, hole{i, c.holes, c.hole})
			total += c.holes
		}
	}
	if total == 0 || opt.Fill != "" {
		return nil
	}
	var each []string
	for _, h := range found[:min(len(found), 5)] {
		each = append(each, fmt.Sprintf("%d in %s, the first in line %d", h.n, p.shown(h.column), h.line))
	}
	if more := len(found) - len(each); more > 0 {
		each = append(each, fmt.Sprintf("others in %s", english.Plural(more, "more column")))
	}
	if p.like { // the columns are needed, and have no values to put in
		return option.Errorf("%s: %s; say {Fill} drop to leave such rows out, or train with {Fill} mean or median", english.Plural(total, "missing value"), strings.Join(each, "; "))
	}
	return option.Errorf("%s: %s; say {Fill} mean, median, or drop to leave such rows out, or leave the column out with {Drop}", english.Plural(total, "missing value"), strings.Join(each, "; "))
}

// row adds a row of the file to out.
func (p *plan) row(out *parsed, n, line int, cells []string, opt data.Options) error {
	if opt.Fill == data.FillDrop && p.incomplete(cells) {
		out.dropped++
		return nil
	}
	if p.label >= 0 {
		if err := p.addLabel(out, cells[p.label], line); err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	for k := range p.features {
		f := &p.features[k]
		if err := f.read(out, cells[f.at]); err != nil {
			return fmt.Errorf("%w: line %d, %s: %w", ErrFormat, line, p.shown(f.at), err)
		}
	}
	out.lines, out.rows = append(out.lines, int32(line)), append(out.rows, int32(n))
	return nil
}

// incomplete reports whether a value or the label of a row is missing.
func (p *plan) incomplete(cells []string) bool {
	if p.label >= 0 && isHole(cells[p.label]) {
		return true
	}
	return slices.ContainsFunc(p.features, func(f feature) bool { return isHole(cells[f.at]) })
}

func (p *plan) addLabel(out *parsed, cell string, line int) error {
	if p.words && isNumber(cell) {
		return option.Errorf("line %d, %s: a number (%s) among words: if it is the label, name it with {Label}; if not, correct the words or leave the column out with {Drop}", line, p.shown(p.label), cell)
	}
	k, ok := out.number[cell]
	if !ok {
		if len(out.kinds) == maxClasses {
			return option.Errorf("more than %d labels in %s, which are no classes: name another with {Label}, or none with {Label} -", maxClasses, p.shown(p.label))
		}
		k = int32(len(out.kinds))
		out.kinds = append(out.kinds, strings.Clone(cell))
		out.number[out.kinds[k]] = k
	}
	out.labels = append(out.labels, k)
	return nil
}

// read adds the numbers for which a cell stands, NaN if its value is missing.
func (f *feature) read(out *parsed, cell string) error {
	if isHole(cell) {
		for range f.columns {
			out.values = append(out.values, math.NaN())
		}
		return nil
	}
	c := f.columns[0]
	switch c.Kind {
	case KindWord:
		k := slices.Index(f.words, cell)
		if k < 0 {
			return fmt.Errorf("%s is none of the words of that column, %s", quoted(cell), english.Some(f.words))
		}
		for i := range f.words {
			v := 0.0
			if i == k {
				v = 1
			}
			out.values = append(out.values, v)
		}
		return nil
	case KindBoolean:
		v := 0.0
		if strings.EqualFold(cell, c.Word) {
			v = 1
		} else if !strings.EqualFold(cell, c.Other) {
			return fmt.Errorf("%s is neither %s nor %s", quoted(cell), c.Other, c.Word)
		}
		out.values = append(out.values, v)
		return nil
	case KindDate:
		v, ok := readDate(cell, c.Layout)
		if !ok {
			return fmt.Errorf("%s is no date as %s", quoted(cell), c.Layout)
		}
		out.values = append(out.values, v)
		return nil
	}
	v, ok := f.form.read(cell)
	if !ok {
		return option.Errorf("%s is no finite number: mend it, or leave the row out", quoted(cell))
	}
	out.values = append(out.values, v)
	return nil
}

// classes returns the names of the labels in their order, and the label of each row.
func (t *parsed) classes() (names []string, labels []int32) {
	names = slices.Clone(t.kinds)
	data.SortClasses(names)
	at := make([]int32, len(names))
	for k, n := range names {
		at[t.number[n]] = int32(k)
	}
	labels = make([]int32, len(t.labels))
	for i, l := range t.labels {
		labels[i] = at[l]
	}
	return names, labels
}

// compareNames orders names: numbers by their value, before words.
func compareNames(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
