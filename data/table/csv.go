package table

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/option"
)

const (
	maxRow     = 16 << 20 // bytes: more is a quote that is never closed
	maxClasses = 1000     // more distinct values are no classes
)

// labelNames are what a column of labels is called, the surest first.
var labelNames = []string{"label", "class", "target"}

// holes are what people write where there is no value.
var holes = []string{"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "."}

// A parsed is a table as it stands in its file.
type parsed struct {
	columns []string  // of the numbers
	values  []float64 // (N, D)
	label   int       // column of the label; −1 = there is none
	named   string    // what it is called
	words   bool      // it was not named, but taken for what it holds: no numbers
	labels  []int32   // of each row, by its first appearance
	kinds   []string  // each distinct label, in that order
	number  map[string]int32
	lines   []int32 // of each row, where it begins in the file
}

// separator returns what parts the cells of a table with that first line.
func separator(line string) byte {
	best := byte(',')
	for _, s := range []byte(",;\t") {
		if strings.Count(line, string(s)) > strings.Count(line, string(best)) {
			best = s
		}
	}
	return best
}

// rowReader fails when a row takes more than maxRow bytes.
type rowReader struct {
	r    io.Reader
	left int
}

var errLongRow = fmt.Errorf("a row of more than %d bytes: is a quote never closed?", maxRow)

func (r *rowReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongRow
	}
	n, err := r.r.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

func parse(ctx context.Context, r io.Reader, label string) (*parsed, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(br.Size())
	if err != nil && err != io.EOF {
		return nil, err
	}
	start := head[:min(len(head), 512)]
	if what := imageio.Describe(start); what != "text" && (bytes.IndexByte(start, 0) >= 0 || !strings.HasPrefix(what, "unknown")) {
		return nil, fmt.Errorf("%w: found %s", ErrFormat, what)
	}
	if strings.HasPrefix(string(head), "\ufeff") {
		br.Discard(len("\ufeff"))
		head = head[len("\ufeff"):]
	}
	line, _, _ := strings.Cut(string(head), "\n")
	rows := &rowReader{r: br, left: maxRow}
	c := csv.NewReader(rows)
	c.Comma = rune(separator(line))
	c.ReuseRecord, c.TrimLeadingSpace, c.FieldsPerRecord = true, true, -1

	var t *parsed
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		cells, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, broken(err)
		}
		rows.left = maxRow
		at, _ := c.FieldPos(0)
		if t == nil {
			var header bool
			if t, header, err = begin(cells, label); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFormat, err)
			}
			if header {
				continue
			}
		} else if len(t.values) == 0 && t.label < 0 && label != "-" {
			t.adopt(cells)
		}
		if err := t.add(cells, at); err != nil {
			return nil, fmt.Errorf("%w: line %d%w", ErrFormat, at, err)
		}
		t.lines = append(t.lines, int32(at))
	}
	if t == nil || len(t.values) == 0 {
		return nil, fmt.Errorf("%w: it has no rows", ErrFormat)
	}
	return t, nil
}

// broken returns an error of the CSV reader or of the file below it.
func broken(err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errLongRow):
		return fmt.Errorf("%w: %w", ErrFormat, errLongRow)
	case errors.As(err, &parse):
		return fmt.Errorf("%w: line %d: %w; quote a cell as \"so\", and a quote in it as \"\"", ErrFormat, parse.Line, parse.Err)
	}
	return err
}

// begin looks at the first line: is it a header, and which column is the label?
func begin(cells []string, label string) (t *parsed, header bool, err error) {
	if len(cells) > MaxColumns {
		return nil, false, fmt.Errorf("%d columns, want at most %d", len(cells), MaxColumns)
	}
	var words []int // columns that are no numbers
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = strings.TrimSpace(strings.Clone(cell))
		if _, err := strconv.ParseFloat(names[i], 64); err != nil {
			words = append(words, i)
		}
	}
	t = &parsed{label: -1, number: map[string]int32{}}
	byName := -1
	for _, l := range labelNames {
		if byName < 0 {
			byName = slices.IndexFunc(names, func(n string) bool { return strings.ToLower(n) == l })
		}
	}
	header = len(words) == len(cells) || byName >= 0 || label != "" && slices.Contains(names, label) && !isNumber(label)
	switch {
	case label == "-":
	case label != "":
		if t.label, err = column(label, names, header); err != nil {
			return nil, false, err
		}
	case header:
		t.label = byName
	case len(words) == 1 && isWord(names[words[0]]):
		t.label, t.words = words[0], true
	}
	for i, n := range names {
		if !header {
			n = strconv.Itoa(i + 1)
		}
		if i == t.label {
			t.named = n
		} else {
			t.columns = append(t.columns, n)
		}
	}
	if len(t.columns) == 0 {
		return nil, false, fmt.Errorf("no column but that of the label")
	}
	return t, header, nil
}

// adopt takes the only column that is no number in the first row for the label.
func (t *parsed) adopt(cells []string) {
	words := -1
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if isNumber(cell) {
			continue
		}
		if words >= 0 || !isWord(cell) {
			return
		}
		words = i
	}
	if words < 0 || len(cells) != len(t.columns) || len(cells) == 1 {
		return
	}
	t.label, t.words, t.named = words, true, t.columns[words]
	t.columns = slices.Delete(t.columns, words, words+1)
}

// column returns the column that Options.Label means: a name, or else a number from 1.
func column(label string, names []string, header bool) (int, error) {
	if header {
		if i := slices.Index(names, label); i >= 0 {
			return i, nil
		}
	}
	if k, err := strconv.Atoi(label); err == nil && k >= 1 && k <= len(names) {
		return k - 1, nil
	}
	if !header {
		return 0, option.Errorf("{Label} %q: the table has no header: want a column's number, 1 to %d", label, len(names))
	}
	if near := data.Suggest(label, names); len(near) > 0 {
		return 0, option.Errorf("{Label} %q: no such column; is it %s?", label, strings.Join(near, " or "))
	}
	return 0, option.Errorf("{Label} %q: no such column; want one of %s", label, some(names))
}

// some returns the names, or the first of many.
func some(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, … (%d in all)", strings.Join(names[:most], ", "), len(names))
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func isHole(cell string) bool { return slices.Contains(holes, strings.ToLower(cell)) }

// isWord says whether a cell holds a word: not a date, a price or a number written as
// elsewhere, which would make poor labels.
func isWord(cell string) bool {
	first, _ := utf8.DecodeRuneInString(cell)
	return unicode.IsLetter(first) && !isHole(cell)
}

// add takes a row. The error goes on after "line 7".
func (t *parsed) add(cells []string, line int) error {
	width := len(t.columns)
	if t.label >= 0 {
		width++
	}
	if len(cells) != width {
		return fmt.Errorf(": %d cells, want %d as in the first line", len(cells), width)
	}
	if len(t.values) > MaxNumbers-len(t.columns) {
		return fmt.Errorf(": more than %d numbers: take a part of the rows or columns", MaxNumbers)
	}
	j := 0
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if i == t.label {
			if isHole(cell) {
				return fmt.Errorf(", column %d (%s): no label (%q): fill it in or leave the row out", i+1, t.named, cell)
			}
			if t.words && isNumber(cell) {
				return option.Errorf(", column %d (%s): a number (%s) among words: if it is the label, name it with {Label}; if not, correct the words or leave the column out", i+1, t.named, cell)
			}
			k, ok := t.number[cell]
			if !ok {
				if len(t.kinds) == maxClasses {
					return option.Errorf(": more than %d labels in column %d (%s), which are no classes: name another with {Label}, or none with {Label} -", maxClasses, i+1, t.named)
				}
				k = int32(len(t.kinds))
				t.kinds = append(t.kinds, strings.Clone(cell))
				t.number[t.kinds[k]] = k
			}
			t.labels = append(t.labels, k)
			continue
		}
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf(", column %d (%s): %w", i+1, t.columns[j], noNumber(cell))
		}
		t.values = append(t.values, v)
		j++
	}
	return nil
}

// noNumber returns the error for a cell that is no finite number, with the remedy.
func noNumber(cell string) error {
	if isHole(cell) {
		return fmt.Errorf("no value (%q): fill it in, or leave the row or the column out", cell)
	}
	if strings.Contains(cell, ",") && isNumber(strings.Replace(cell, ",", ".", 1)) {
		return fmt.Errorf("%q is no number: write it with a decimal point", cell)
	}
	if len(cell) > 40 {
		cell = cell[:40] + "…"
	}
	return option.Errorf("%q is no finite number: leave the column out or, if it is the label, name it with {Label}", cell)
}

// classes returns the names of the labels in their order, and the label of each row.
func (t *parsed) classes() (names []string, labels []int32, err error) {
	names = slices.Clone(t.kinds)
	if slices.IndexFunc(names, func(n string) bool { return !isNumber(n) }) < 0 {
		slices.SortFunc(names, func(a, b string) int {
			x, _ := strconv.ParseFloat(a, 64) // both are numbers
			y, _ := strconv.ParseFloat(b, 64)
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		})
	} else {
		slices.Sort(names)
	}
	at := make([]int32, len(names))
	for k, n := range names {
		at[t.number[n]] = int32(k)
	}
	labels = make([]int32, len(t.labels))
	for i, l := range t.labels {
		labels[i] = at[l]
	}
	return names, labels, nil
}
