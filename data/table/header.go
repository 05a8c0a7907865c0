package table

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// labelNames are what a column of labels is called, the surest first.
var labelNames = []string{"label", "class", "target"}

// named returns the first column of labels by its name; −1 = there is none.
func named(names []string) int {
	for _, l := range labelNames {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.ToLower(n) == l }); i >= 0 {
			return i
		}
	}
	return -1
}

// decideHeader decides whether the first line has the names of the columns, from what it
// and the rows after it hold, and adds a note where that is not plain.
func (s *survey) decideHeader(rows [][]string, t *text, opt data.Options) {
	switch {
	case opt.Header != "":
		s.header = opt.Header == data.Yes
		return
	case likeNames(s.first, opt):
		s.header = true
		return
	}
	numbers, words := 0, 0
	for _, c := range s.first {
		if isNumber(c) {
			numbers++
		} else if !isHole(c) {
			words++
		}
	}
	switch {
	case named(s.first) >= 0, opt.Label != "" && slices.Contains(s.first, opt.Label) && !isNumber(opt.Label):
		s.header = true
	case numbers == 0: // names, unless all of them are words that stand in the rows too
		s.header = !s.again(rows, len(s.first))
	case words > 0: // a word above numbers is a name, and so is one that no row has, beside numbers that are no row
		s.header = s.aboveNumbers(rows) || !s.again(rows, 1) && s.sequence(rows, 2)
	default:
		s.header = s.numberedHeader(rows)
	}
	if s.header && words > 0 && numbers > 0 && named(s.first) < 0 {
		s.notes.Tell("the first line, %s, is read as the names of the columns; {Header} no reads it as a row", english.Some(s.first))
	}
	if !s.header && numbers == 0 {
		s.notes.Tell("the first line, %s, is read as a row, because its words stand in other rows too; {Header} yes reads it as names", english.Some(s.first))
	}
	if names := split(t.comment, t.comma); !s.header && len(names) == len(s.first) && opt.Medium == nil {
		s.notes.Tell("the comment above the first row is read as the names of the columns, %s; {Header} no reads none", english.Some(names))
		s.titles = names
	}
}

// likeNames reports whether the cells are names of the columns of the table that the data
// go with, and not only their numbers, which a row may have too.
func likeNames(cells []string, opt data.Options) bool {
	m, ok := opt.Medium.(Medium)
	if !ok || len(m.Columns) == 0 {
		return false
	}
	numbered := true
	for j, c := range m.Columns {
		if !slices.Contains(cells, c.source()) {
			return false
		}
		numbered = numbered && c.Name == strconv.Itoa(j+1)
	}
	return !numbered
}

// likeHas reports whether the table that the data go with has a column of that name.
func likeHas(name string, opt data.Options) bool {
	m, _ := opt.Medium.(Medium)
	return slices.ContainsFunc(m.Columns, func(c Column) bool { return c.source() == name })
}

// again reports whether the words of at least so many columns of the first line stand in
// the rows too.
func (s *survey) again(rows [][]string, want int) bool {
	for i, c := range s.first {
		if isNumber(c) || isHole(c) {
			continue
		}
		if slices.ContainsFunc(rows, func(row []string) bool { return row[i] == c }) {
			want--
		}
	}
	return want <= 0
}

// aboveNumbers reports whether a word of the first line stands above a column of numbers.
func (s *survey) aboveNumbers(rows [][]string) bool {
	for i, c := range s.first {
		if isNumber(c) || isHole(c) {
			continue
		}
		n := 0
		for _, row := range rows {
			if isNumber(row[i]) {
				n++
			}
		}
		if 2*n > len(rows) {
			return true
		}
	}
	return false
}

const fewRows = 10 // fewer rows are no evidence

// numberedHeader reports whether a first line of numbers, with or without empty cells, has
// the names of columns: it is a sequence that no row is, such as 0, 1, 2 or years; or it
// has whole numbers above columns that have none; or an empty cell above the numbers of
// the rows. It adds a note that says so, or that warns of a sequence among the rows.
func (s *survey) numberedHeader(rows [][]string) bool {
	why := ""
	switch {
	case s.first[0] == "" && counting(rows):
		why = "its first cell is empty above the numbers of the rows"
	case s.sequence(rows, 3):
		why = "its numbers are a sequence, and those of no row are"
	case s.wholeAbove(rows):
		why = "its numbers are whole, and those of no row are"
	}
	if why != "" {
		s.notes.Tell("the first line, %s, is read as the names of the columns, because %s; {Header} no reads it as a row", english.Some(s.first), why)
		return true
	}
	if from, step := sequenceOf(s.first); len(s.first) > 2 && step == 1 && (from == 0 || from == 1) {
		s.notes.Warn("the first line, %s, is read as a row; if it has the names of the columns, say {Header} yes", english.Some(s.first))
	}
	return false
}

// counting reports whether the first cells of the rows count 0, 1, 2, … or 1, 2, 3, ….
func counting(rows [][]string) bool {
	var first []string
	for _, row := range rows {
		first = append(first, row[0])
	}
	from, step := sequenceOf(first)
	return len(rows) > 2 && step == 1 && (from == 0 || from == 1)
}

// sequence reports whether the numbers of the first line, at least so many of them, are
// the first terms of a sequence that no row has: of equal steps; or rising or falling
// where that is no chance, from 6 numbers on.
func (s *survey) sequence(rows [][]string, least int) bool {
	numbers := 0
	for _, c := range s.first {
		if isNumber(c) {
			numbers++
		}
	}
	if numbers < least || len(rows) < fewRows {
		return false
	}
	if _, step := sequenceOf(s.first); step != 0 {
		return !slices.ContainsFunc(rows, func(row []string) bool { _, step := sequenceOf(row); return step != 0 })
	}
	return numbers >= 6 && monotone(s.first) && !slices.ContainsFunc(rows, monotone)
}

// sequenceOf returns the first number of cells and the step between them; step 0 = there
// are fewer than two, or the steps are not equal. Cells without a number do not count.
func sequenceOf(cells []string) (from, step float64) {
	n, last := 0, 0.0
	for _, c := range cells {
		v, ok := finite(c)
		switch {
		case !ok:
			continue
		case n == 0:
			from = v
		case n == 1:
			step = v - last
		case !(math.Abs(v-last-step) <= 1e-6*math.Abs(step)):
			return from, 0
		}
		n, last = n+1, v
	}
	if n < 2 {
		return from, 0
	}
	return from, step
}

// monotone reports whether the numbers of cells rise or fall strictly.
func monotone(cells []string) bool {
	var v []float64
	for _, c := range cells {
		if x, ok := finite(c); ok {
			v = append(v, x)
		}
	}
	up, down := true, true
	for i := 1; i < len(v); i++ {
		up, down = up && v[i] > v[i-1], down && v[i] < v[i-1]
	}
	return len(v) > 1 && (up || down)
}

// wholeAbove reports whether the first line has different numbers written without a point,
// and no cell of the rows is.
func (s *survey) wholeAbove(rows [][]string) bool {
	if len(rows) < fewRows || len(s.first) < 2 {
		return false
	}
	seen := map[string]bool{}
	for _, c := range s.first {
		if seen[c] || c == "" || !digits(c) {
			return false
		}
		seen[c] = true
	}
	for _, row := range rows {
		for _, c := range row {
			if digits(strings.TrimPrefix(c, "-")) && c != "" {
				return false
			}
		}
	}
	return true
}

// split returns the names in a comment.
func split(comment string, comma byte) []string {
	if comment == "" {
		return nil
	}
	if comma == ' ' {
		return strings.Fields(comment)
	}
	names := strings.Split(comment, string(comma))
	for i, n := range names {
		names[i] = strings.TrimSpace(n)
	}
	return names
}
