package table

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A form is a way in which the cells of a column can be written; forms is a set of them.
type (
	form  int
	forms uint64
)

// The forms, the surest first. After them come those of pairs and of layouts.
const (
	asNumber form = iota
	asThousands
	asComma
	asUnit
	asWord
	firstPair
)

// pairs are words for no and yes.
var pairs = [][2]string{{"false", "true"}, {"no", "yes"}, {"f", "t"}, {"n", "y"}, {"off", "on"}}

// layouts are those of dates and times, as in package time. A day and a month that can be
// exchanged follow one another, and mixed is the first of these.
var layouts = []string{
	"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05",
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01",
	"2006/1/2", "2006/1/2 15:04", "2006/1/2 15:04:05",
	"2.1.2006", "2.1.2006 15:04", "2.1.2006 15:04:05",
	"2 Jan 2006", "2-Jan-2006", "2-Jan-06", "Jan 2, 2006", "January 2, 2006", "2 January 2006",
	"15:04", "15:04:05",
	"1/2/2006", "2/1/2006", "1/2/2006 15:04", "2/1/2006 15:04", "1/2/2006 15:04:05", "2/1/2006 15:04:05",
}

var (
	firstLayout = firstPair + form(len(pairs))
	noForm      = firstLayout + form(len(layouts))
	mixed       = firstLayout + form(slices.Index(layouts, "1/2/2006"))
)

func (f forms) has(one form) bool { return f&(1<<one) != 0 }

// all returns the set of all forms.
func all() forms { return 1<<noForm - 1 }

// isDate reports whether a form is a layout of dates.
func (f form) isDate() bool { return f >= firstLayout }

// holes are what people write where there is no value.
var holes = []string{"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "nil", "missing", "?", "-", "--", "."}

// isHole reports whether a cell says that there is no value.
func isHole(cell string) bool { return len(cell) <= 7 && slices.Contains(holes, strings.ToLower(cell)) }

// isNumber reports whether a cell is a number, finite or not.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// isWord says whether a cell holds a word: not a date, a price or a number written as
// elsewhere, which would make poor labels.
func isWord(cell string) bool {
	first, _ := utf8.DecodeRuneInString(cell)
	return unicode.IsLetter(first) && !isHole(cell)
}

// formsOf returns those of the forms in which a cell can be read.
func formsOf(cell string, of forms) forms {
	if v, ok := finite(cell); ok {
		left := of & (1<<asNumber | 1<<asThousands | 1<<asWord)
		if of.has(asComma) && v == math.Trunc(v) && !strings.ContainsAny(cell, ".eExX") {
			left |= 1 << asComma
		}
		return left
	}
	var left forms
	for f := asThousands; f < noForm; f++ {
		if !of.has(f) {
			continue
		}
		if f == firstLayout && !mayBeDate(cell) {
			break
		}
		if _, ok := f.read(cell); ok {
			left |= 1 << f
		}
	}
	return left | of&(1<<asWord)
}

// mayBeDate reports whether a cell is worth a look at the layouts of dates.
func mayBeDate(cell string) bool {
	return len(cell) >= 4 && len(cell) <= 40 && strings.ContainsAny(cell, "0123456789") && strings.ContainsAny(cell, "-/.: ")
}

// finite returns the number that a cell holds, if it is finite.
func finite(cell string) (float64, bool) {
	if cell == "" || cell[0] > '9' || cell[0] == '/' { // a quick no to most words
		return 0, false
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// read returns the number for which a cell of a form stands: of a pair 0 or 1, of a date
// the seconds since 1970. It fails for words.
func (f form) read(cell string) (float64, bool) {
	switch {
	case f == asNumber:
		return finite(cell)
	case f == asThousands:
		return grouped(cell, ',', '.')
	case f == asComma:
		if v, ok := grouped(cell, '.', ','); ok {
			return v, true
		}
		return finite(strings.Replace(cell, ",", ".", 1))
	case f == asUnit:
		number, _, _ := unit(cell)
		if v, ok := finite(number); ok {
			return v, true
		}
		return grouped(number, ',', '.')
	case f == asWord:
		return 0, false
	case f < firstLayout:
		i := slices.Index(pairs[f-firstPair][:], strings.ToLower(cell))
		return float64(i), i >= 0
	}
	return f.date(cell)
}

// date returns the seconds since 1970 of a cell of that layout.
func (f form) date(cell string) (float64, bool) {
	t, err := time.Parse(layouts[f-firstLayout], cell)
	return float64(t.Unix()) + float64(t.Nanosecond())*1e-9, err == nil
}

// grouped returns a number whose digits are in groups of three: 1,234,567.89; or which is
// plain.
func grouped(cell string, group, point byte) (float64, bool) {
	whole, part, _ := strings.Cut(cell, string(point))
	whole, _ = strings.CutPrefix(whole, "-")
	for i, g := range strings.Split(whole, string(group)) {
		if i == 0 && (len(g) < 1 || len(g) > 3 || g[0] == '0') || i > 0 && len(g) != 3 || !digits(g) {
			return 0, false
		}
	}
	if !digits(part) || !strings.Contains(whole, string(group)) {
		return 0, false
	}
	plain := strings.ReplaceAll(cell, string(group), "")
	return finite(strings.Replace(plain, string(point), ".", 1))
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// unit divides a cell into a number and what stands before or after it: a sign of money,
// %, or the letters of a unit.
func unit(cell string) (number, before, after string) {
	isUnit := func(r rune) bool { return r == '%' || r == '°' || r == 'µ' || unicode.Is(unicode.Sc, r) }
	number = strings.TrimLeftFunc(cell, func(r rune) bool { return unicode.Is(unicode.Sc, r) })
	before = cell[:len(cell)-len(number)]
	trimmed := strings.TrimRightFunc(number, func(r rune) bool { return isUnit(r) || unicode.IsLetter(r) })
	after = number[len(trimmed):]
	number = strings.TrimSpace(trimmed)
	if len(after) > 8 || before == "" && after == "" {
		return "", "", ""
	}
	return number, before, after
}
