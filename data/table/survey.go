package table

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/option"
)

const (
	maxClasses  = 1000 // more distinct values are no classes
	maxWords    = 100  // a column of more distinct words is not made into columns
	maxDistinct = 1 << 20
	sampleRows  = 200
	sampleCells = 1 << 20
	checkedRows = 1 << 18 // after so many it is asked whether there is memory for those so far
)

// A survey is what a table looks like, found before it is read.
type survey struct {
	comma   byte     // parts the cells
	first   []string // cells of the first line
	header  bool     // they are names, and no row
	titles  []string // the names of the columns, from the first line or a comment above it; nil = none
	columns []profile
	rows    int
	foreign bool // a cell is not UTF-8

	notes *data.Set // collects them

	// The first rows wait until it is known whether the first line is one.
	waiting [][]string
	lines   []int // of each
	cells   int
}

// A profile is what the cells of a column are like.
type profile struct {
	forms   forms // in which all cells can be read that are no holes
	holes   int
	hole    int // line of the first
	numbers int // cells that are numbers
	oddLine int // of the first cell that is neither a number nor a hole
	odd     string
	unit    [2]string // before and after the first number with a unit; other units are none

	distinct map[string]int // how often each value stands there; nil if there are too many
	limit    int            // so many distinct values
	counts   bool           // each cell is a whole number, one more than that before
	start    float64        // where it begins
	next     float64
	ids      map[float64]struct{} // the whole numbers of a column without a name; nil if one is repeated
}

// survey reads the whole table and returns what it looks like.
func (t *text) survey(ctx context.Context, opt data.Options) (*survey, error) {
	s := &survey{comma: t.comma, notes: &data.Set{}}
	err := t.each(ctx, func(line int, row []string) error {
		switch {
		case s.first == nil && len(row) > MaxColumns:
			return option.Errorf("%w: %d columns, want at most %d", ErrFormat, len(row), MaxColumns)
		case s.first == nil:
			s.first = clone(row)
		case len(s.lines) == 1:
			s.widen(row)
			fallthrough
		default:
			if len(row) != len(s.first) {
				return misfit(line, len(row), len(s.first))
			}
		}
		s.foreign = s.foreign || !valid(row)
		if s.columns != nil {
			return s.add(row, line)
		}
		s.waiting, s.lines = append(s.waiting, clone(row)), append(s.lines, line)
		if s.cells += len(row); len(s.waiting) > sampleRows || s.cells > sampleCells {
			return s.begin(t, opt)
		}
		return nil
	})
	if err == nil && s.columns == nil && s.first != nil {
		err = s.begin(t, opt)
	}
	if err == nil && s.rows == 0 {
		err = fmt.Errorf("%w: it has no rows", ErrFormat)
	}
	return s, err
}

func clone(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = strings.Clone(c)
	}
	return out
}

// begin decides what the first line is, and takes the rows that waited for it.
func (s *survey) begin(t *text, opt data.Options) error {
	rows := s.waiting[1:]
	s.decideHeader(rows, t, opt)
	if s.header {
		s.titles = s.first
	}
	s.columns = make([]profile, len(s.first))
	for i := range s.columns {
		s.columns[i] = newProfile(len(s.first), s.titles != nil && isUnnamed(s.titles[i]))
	}
	if !s.header {
		rows = s.waiting
	}
	lines := s.lines[len(s.lines)-len(rows):]
	s.waiting = nil
	for i, row := range rows {
		if err := s.add(row, lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// add takes a row.
func (s *survey) add(row []string, line int) error {
	if s.rows++; s.rows > MaxNumbers {
		return fmt.Errorf("%w: line %d: more than %d rows", ErrFormat, line, MaxNumbers)
	}
	if s.rows%checkedRows == 0 { // a small packed file may hold very many
		if err := data.CheckItems(s.rows); err != nil {
			return fmt.Errorf("line %d, of more: %w", line, err)
		}
	}
	for i, cell := range row {
		s.columns[i].add(cell, line)
	}
	return nil
}

// newProfile returns the empty profile of one of so many columns.
func newProfile(columns int, unnamed bool) profile {
	p := profile{forms: all(), counts: true, distinct: map[string]int{}, limit: max(16, min(maxWords+1, maxDistinct/columns))}
	if unnamed {
		p.ids = map[float64]struct{}{}
	}
	return p
}

// unnamed is what a data frame calls a column without a name.
var unnamed = regexp.MustCompile(`^(Unnamed: ?[0-9.]+)?$`)

func isUnnamed(name string) bool { return unnamed.MatchString(name) }

// widen adds a name to a first line of words that has one cell less than the first row:
// the last one if that cell is empty, as where each row ends in a separator; the first
// one if it is a word or the number of the row, as R writes.
func (s *survey) widen(row []string) {
	if len(row) != len(s.first)+1 || len(row) > MaxColumns {
		return
	}
	for _, c := range s.first {
		if isNumber(c) {
			return
		}
	}
	switch {
	case row[len(row)-1] == "":
		s.first = append(s.first, "")
	case isWord(row[0]) || row[0] == "0" || row[0] == "1":
		s.first = append([]string{""}, s.first...)
	}
}

// add takes a cell of the column.
func (p *profile) add(cell string, line int) {
	if p.distinct != nil {
		if n, ok := p.distinct[cell]; ok {
			p.distinct[cell] = n + 1
		} else if len(p.distinct) == p.limit {
			p.distinct = nil
		} else {
			p.distinct[strings.Clone(cell)] = 1
		}
	}
	v, number := finite(cell)
	if !number && isHole(cell) {
		if p.holes++; p.holes == 1 {
			p.hole = line
		}
		p.counts, p.ids = false, nil
		return
	}
	p.forms &= formsOf(cell, p.forms)
	if !number {
		if p.odd == "" {
			p.odd, p.oddLine = strings.Clone(cell), line
		}
		if p.forms.has(asUnit) {
			_, before, after := unit(cell)
			if p.unit == [2]string{} {
				p.unit = [2]string{strings.Clone(before), strings.Clone(after)}
			} else if p.unit != [2]string{before, after} {
				p.forms &^= 1 << asUnit
			}
		}
		p.counts, p.ids = false, nil
		return
	}
	p.numbers++
	p.count(v)
}

// count follows the numbers of a column that may be those of the rows.
func (p *profile) count(v float64) {
	whole := v == math.Trunc(v)
	switch {
	case !p.counts:
	case p.numbers == 1 && whole:
		p.start, p.next = v, v+1
	case whole && v == p.next:
		p.next++
	default:
		p.counts = false
	}
	if p.ids == nil {
		return
	}
	if _, again := p.ids[v]; again || !whole || v < 0 {
		p.ids = nil
	} else if len(p.ids) < maxDistinct {
		p.ids[v] = struct{}{}
	}
}
