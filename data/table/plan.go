package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
)

// A feature is a column of the file that is read: as one column of numbers, or as one for
// each of its words.
type feature struct {
	at    int    // in the file
	name  string // as the file has it
	form  form
	unit  [2]string // of asUnit
	words []string  // of asWord, in the order of their columns

	columns []Column // without their ranges, or those of the table that the data go with
}

// A plan says how the columns of a file are read.
type plan struct {
	survey   *survey
	names    []string // of the columns of the file
	features []feature
	label    int  // column of the label; −1 = there is none
	words    bool // it was not named, but taken for what it holds
	like     bool // the features are those of the table that the data go with
}

// newPlan decides how the columns of a table are read, and adds notes to s.
func newPlan(s *survey, opt data.Options) (*plan, error) {
	p := &plan{survey: s, label: -1, names: s.columnNames(opt)}
	if err := p.findLabel(opt); err != nil {
		return nil, err
	}
	like, _ := opt.Medium.(Medium)
	if p.like = len(like.Columns) > 0; p.like {
		return p, p.follow(like, opt)
	}
	chosen, err := Choose(p.names, opt.Reading)
	if err != nil {
		return nil, err
	}
	chosen = slices.DeleteFunc(chosen, func(i int) bool { return i == p.label || p.leaveOut(i, opt) })
	if p.label < 0 && opt.Label == "" {
		if i := p.onlyWords(chosen); i >= 0 {
			p.label, p.words = i, true
			s.notes.Tell("column %s, the only one of words, is read as the class of its row; {Label} - reads it as a feature", p.names[i])
			chosen = slices.DeleteFunc(chosen, func(j int) bool { return j == i })
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: no column but that of the label", ErrFormat)
	}
	total := 0
	for _, i := range chosen {
		f, err := p.feature(i)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if total += len(f.columns); total > MaxColumns {
			return nil, fmt.Errorf("%w: more than %d columns, words among them", ErrFormat, MaxColumns)
		}
		p.features = append(p.features, f)
	}
	p.tell()
	return p, nil
}

// columnNames returns the names of the columns: those of the first line, or their numbers
// from 1.
func (s *survey) columnNames(opt data.Options) []string {
	names := make([]string, len(s.first))
	seen, twice := map[string]bool{}, []string(nil)
	for i := range names {
		name := strconv.Itoa(i + 1)
		if s.titles != nil && (s.titles[i] != "" || likeHas("", opt)) {
			name = s.titles[i]
		}
		if name != "" && seen[name] {
			twice = append(twice, name)
		}
		seen[name] = true
		names[i] = name
	}
	if twice != nil && opt.Medium == nil {
		s.notes.Warn("several columns are called %s: number them, or leave one out with {Drop} and its number", english.Some(twice))
	}
	return names
}

// shown returns the name of a column for messages: "column 2 (b)".
func (p *plan) shown(i int) string {
	if p.survey.titles != nil && p.survey.titles[i] == "" {
		return fmt.Sprintf("column %d (no name)", i+1)
	}
	return fmt.Sprintf("column %d (%s)", i+1, p.names[i])
}

// findLabel finds the column of the label by opt.Label or by its name.
func (p *plan) findLabel(opt data.Options) (err error) {
	switch {
	case opt.Label == "-":
	case opt.Label != "":
		if p.label, err = labelColumn(opt.Label, p.names, p.survey.titles != nil); err != nil && opt.Medium == nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		} else if err != nil {
			p.label = -1
			p.survey.notes.Warn("no column %s, which {Label} names: the rows have no class; have %s", opt.Label, english.Some(p.names))
		}
	case p.survey.titles != nil:
		if i := named(p.names); i >= 0 && !likeHas(p.names[i], opt) {
			p.label = i
		}
	}
	return nil
}

// onlyWords returns the only column of words, which must all begin with a letter; −1 =
// there is none, or several.
func (p *plan) onlyWords(chosen []int) int {
	found := -1
	for _, i := range chosen {
		c := &p.survey.columns[i]
		if c.odd == "" || !p.isWords(i) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	if found >= 0 && (!isWord(p.survey.columns[found].odd) || len(chosen) == 1) {
		return -1
	}
	return found
}

// isWords reports whether a column is one of words, and not of numbers, dates or units.
func (p *plan) isWords(i int) bool {
	f := p.survey.columns[i].form()
	return f == asWord && p.survey.columns[i].numbers == 0 || f >= firstPair && !f.isDate()
}

// form returns the surest form in which all cells of the column can be read.
func (c *profile) form() form {
	for _, f := range []form{asNumber, asThousands, asComma, asUnit} {
		if c.forms.has(f) {
			return f
		}
	}
	for f := firstPair; f < noForm; f++ {
		if c.forms.has(f) {
			return f
		}
	}
	return asWord
}

// form returns the form in which column i is read: its surest. Where a comma can be either,
// as in 1,234, it stands between thousands if commas part the cells or another column
// shows it, else it is the decimal point.
func (p *plan) form(i int) form {
	c := &p.survey.columns[i]
	f := c.form()
	if f != asThousands || !c.forms.has(asComma) {
		return f
	}
	sure := func(one, other form) bool {
		return slices.ContainsFunc(p.survey.columns, func(c profile) bool {
			return c.numbers < p.survey.rows && !c.forms.has(asNumber) && c.forms.has(one) && !c.forms.has(other)
		})
	}
	if p.survey.comma == ',' && !sure(asComma, asThousands) || sure(asThousands, asComma) {
		return asThousands
	}
	return asComma
}

// rowNumbers are names of columns that number the rows.
var rowNumbers = []string{"id", "ids", "index", "idx", "row", "rowid", "row_id", "rownum", "nr", "no", "number", "key", "#"}

// leaveOut reports whether a column is left out, with a note, because it has no name and
// numbers the rows, or because it is empty. Columns that opt.Columns names are not.
func (p *plan) leaveOut(i int, opt data.Options) bool {
	c, name := &p.survey.columns[i], p.names[i]
	if len(opt.Columns) > 0 {
		return false
	}
	rows := p.survey.rows
	numbers := c.numbers == rows && rows > 1
	lower := strings.ToLower(name)
	unnamed := p.survey.titles != nil && isUnnamed(p.survey.titles[i])
	switch {
	case c.holes == rows && (rows > 1 || name == ""):
		p.survey.notes.Warn("%s has no value at all, and is left out", p.shown(i))
		return true
	case unnamed && numbers && c.counts && (c.start == 0 || c.start == 1):
		p.survey.notes.Tell("%s numbers the rows from %v, and is left out; {Columns} keeps it", p.shown(i), c.start)
		return true
	case unnamed && i == 0 && numbers && c.ids != nil && rows >= fewRows:
		p.survey.notes.Tell("%s has no name and other whole numbers in each row, and is left out; {Columns} keeps it", p.shown(i))
		return true
	case unnamed && i == 0 && c.odd != "" && c.form() == asWord && (c.distinct == nil || len(c.distinct) == rows):
		p.survey.notes.Tell("%s has no name and another word in each row, and is left out; {Columns} keeps it", p.shown(i))
		return true
	case numbers && c.counts && rows >= fewRows && (slices.Contains(rowNumbers, lower) || strings.HasSuffix(lower, "id") || p.survey.titles == nil && i == 0):
		p.survey.notes.Warn("%s numbers the rows, from %v to %v: if it says nothing of them, leave it out with {Drop} %s", p.shown(i), c.start, c.next-1, screen.ShellWord(name))
	}
	return false
}

// feature returns how a column is read, by what its cells hold.
func (p *plan) feature(i int) (feature, error) {
	c, name := &p.survey.columns[i], p.names[i]
	f := feature{at: i, name: name, form: p.form(i), unit: c.unit}
	switch {
	case f.form == asWord:
		var err error
		if f.words, err = p.categories(i); err != nil {
			return f, err
		}
		for _, w := range f.words {
			f.columns = append(f.columns, Column{Name: name + "=" + w, Kind: KindWord, Of: name, Word: w})
		}
		return f, nil
	case f.form.isDate():
		if f.form >= mixed && (f.form-mixed)%2 == 0 && c.forms.has(f.form+1) {
			return f, fmt.Errorf("%s: each date, as %q in line %d, can be read with the day or the month first: write them as 2006-01-31", p.shown(i), c.odd, c.oddLine)
		}
		f.columns = []Column{{Name: name, Kind: KindDate, Layout: layouts[f.form-firstLayout]}}
	case f.form >= firstPair:
		no, yes := p.pair(i, pairs[f.form-firstPair])
		f.columns = []Column{{Name: name, Kind: KindBoolean, Word: yes, Other: no}}
	default:
		f.columns = []Column{{Name: name}}
	}
	return f, nil
}

// pair returns the words of a pair as the column spells them.
func (p *plan) pair(i int, words [2]string) (no, yes string) {
	spelt := words
	for k, w := range words {
		switch odd := p.survey.columns[i].odd; {
		case odd == strings.ToUpper(odd):
			spelt[k] = strings.ToUpper(w)
		case odd != strings.ToLower(odd):
			spelt[k] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return spelt[0], spelt[1]
}

// categories returns the distinct words of a column, sorted. It fails where they are too
// many, or where a few words stand among numbers.
func (p *plan) categories(i int) ([]string, error) {
	c := &p.survey.columns[i]
	var words []string
	for w, n := range c.distinct {
		if isHole(w) {
			continue
		}
		words = append(words, w)
		if _, ok := finite(w); c.numbers > 0 && !ok && (n < 2 || 200*n < p.survey.rows) { // a slip, and no category
			return nil, p.noNumber(i)
		}
	}
	switch {
	case c.distinct == nil && c.numbers > 0, c.numbers > 0 && len(words) > 20:
		return nil, p.noNumber(i)
	case c.distinct == nil || len(words) > maxWords:
		return nil, option.Errorf("%s has more than %d different words, such as %s in line %d, which are too many to be columns: leave it out with {Drop} %s or, if it is the label, name it with {Label}", p.shown(i), min(maxWords, c.limit), quoted(c.odd), c.oddLine, screen.ShellWord(p.names[i]))
	}
	slices.SortFunc(words, compareNames)
	return words, nil
}

func quoted(cell string) string {
	if len(cell) > 40 {
		cell = strings.ToValidUTF8(cell[:40], "") + "…"
	}
	return strconv.Quote(cell)
}

// noNumber returns the error for the first cell of a column of numbers that is none, with
// the remedy.
func (p *plan) noNumber(i int) error {
	c := &p.survey.columns[i]
	if _, ok := asComma.read(c.odd); ok {
		return fmt.Errorf("line %d, %s: %s has a comma where other numbers have a point: write all alike", c.oddLine, p.shown(i), quoted(c.odd))
	}
	return option.Errorf("line %d, %s: %s is no finite number: mend it, leave the column out with {Drop} %s or, if it is the label, name it with {Label}", c.oddLine, p.shown(i), quoted(c.odd), screen.ShellWord(p.names[i]))
}

// tell adds notes on what was read otherwise than as plain numbers.
func (p *plan) tell() {
	var thousands, commas, units, dates, booleans, words []string
	for _, f := range p.features {
		c := f.columns[0]
		switch {
		case f.form == asThousands:
			thousands = append(thousands, f.name)
		case f.form == asComma:
			commas = append(commas, f.name)
		case f.form == asUnit:
			units = append(units, fmt.Sprintf("%s (%s)", f.name, strings.TrimSpace(f.unit[0]+" "+f.unit[1])))
		case c.Kind == KindDate:
			dates = append(dates, f.name)
		case c.Kind == KindBoolean:
			booleans = append(booleans, f.name)
		case c.Kind == KindWord:
			words = append(words, fmt.Sprintf("%s (%s)", f.name, english.Some(f.words)))
		}
	}
	n := p.survey.notes
	for _, t := range []struct {
		columns []string
		one     string
		many    string
	}{
		{thousands, "column %s: commas stand between thousands", "columns %s: commas stand between thousands"},
		{commas, "column %s: the comma is the decimal point", "columns %s: the comma is the decimal point"},
		{units, "column %s: the unit is left out", "columns %s: the units are left out"},
		{dates, "column %s holds dates, read as seconds since 1970", "columns %s hold dates, read as seconds since 1970"},
		{booleans, "column %s holds two words, read as 0 and 1", "columns %s hold two words each, read as 0 and 1"},
		{words, "column %s holds words: each is a column of 0 and 1", "columns %s hold words: each is a column of 0 and 1"},
	} {
		switch len(t.columns) {
		case 0:
		case 1:
			n.Tell(t.one, t.columns[0])
		default:
			n.Tell(t.many, english.Some(t.columns))
		}
	}
	if len(words) > 1 && p.label < 0 {
		n.Tell("no column is the class of its row; if one is, name it with {Label}")
	}
	p.tellLabel()
}

// maybeLabels are names of columns that often hold the class of each row.
var maybeLabels = []string{"y", "labels", "classes", "targets", "category", "type", "species", "diagnosis", "outcome"}

// tellLabel adds a note if a column may be the label: one that is called so, else the last
// or the first one.
func (p *plan) tellLabel() {
	if p.label >= 0 || len(p.features) < 2 {
		return
	}
	last := len(p.features) - 1
	order := []int{last, 0}
	for k, f := range p.features {
		if slices.Contains(maybeLabels, strings.ToLower(f.name)) {
			order = append([]int{k}, order...)
		}
	}
	for _, k := range order {
		f, place := p.features[k], ""
		switch f.at {
		case 0:
			place = ", the first,"
		case len(p.names) - 1:
			place = ", the last,"
		}
		if n := p.wholeNumbers(f); n >= 2 && n <= 20 && n*10 <= p.survey.rows && (place != "" || k != last && k != 0) {
			p.survey.notes.Tell("column %s%s holds %s: if they are the classes of the rows, say {Label} %s", f.name, place, english.Plural(n, "different whole number"), screen.ShellWord(f.name))
			return
		}
	}
}

// wholeNumbers returns how many different whole numbers a column holds; 0 = it holds others
// too, or too many.
func (p *plan) wholeNumbers(f feature) int {
	c := &p.survey.columns[f.at]
	if f.form != asNumber || c.distinct == nil || c.holes > 0 {
		return 0
	}
	for v := range c.distinct {
		if !digits(strings.TrimPrefix(v, "-")) {
			return 0
		}
	}
	return len(c.distinct)
}

// readDate returns the seconds since 1970 of a cell in a layout, or in any other of which
// the day and the month are sure.
func readDate(cell, layout string) (float64, bool) {
	if t, err := time.Parse(layout, cell); err == nil {
		return float64(t.Unix()) + float64(t.Nanosecond())*1e-9, true
	}
	for f := firstLayout; f < mixed; f++ {
		if v, ok := f.read(cell); ok {
			return v, true
		}
	}
	return 0, false
}
