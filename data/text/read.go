package text

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

const (
	maxLine  = 1 << 20 // bytes: more is no short text
	maxBytes = 4 << 30 // of all texts, unpacked
	maxLines = 1 << 27 // of a file, empty ones too: a small packed file can have very many
	checked  = 1 << 24 // bytes between two looks at the memory budget
	beside   = 32      // bytes that a text takes beside its letters, about
)

// read returns the texts of a file, and says in notes of set what was left out.
func read(ctx context.Context, path string, opt data.Options, set *data.Set) (part, error) {
	f, err := data.OpenLong(ctx, path, opt)
	if err != nil {
		return part{}, err
	}
	defer f.Close()
	br := bufio.NewReaderSize(f, 1<<16)
	if head, _ := br.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(br)
		if err != nil {
			return part{}, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		defer z.Close()
		br = bufio.NewReaderSize(z, 1<<16)
	}
	if head, _ := br.Peek(3); string(head) == "\ufeff" {
		br.Discard(3)
	}
	r := &reader{set: set, opt: opt}
	switch suffix := form(path); {
	case suffix == ".jsonl" || suffix == ".ndjson":
		err = r.lines(br, r.jsonLine)
	case opt.Text != "":
		err = r.table(br, suffix)
	case opt.Label != "" && opt.Label != "-":
		err = option.Errorf("{Label} %q is for a column of a table or a field of JSON lines: name that of the texts with {Text}", opt.Label)
	default:
		err = r.lines(br, func(line string, at int) error { return r.add(line, "", at) })
	}
	if err != nil {
		return part{}, err
	}
	if r.blank > 0 {
		set.Tell("left out: %s without a text", english.Plural(r.blank, "line"))
	}
	if r.latin > 0 {
		set.Warn("%s not UTF-8, and read as Windows-1252 (Latin-1)", english.Plural(r.latin, "line")+is(r.latin))
	}
	return r.part, nil
}

// is returns the verb for n of something.
func is(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// A reader reads the texts of one file.
type reader struct {
	part
	set          *data.Set
	opt          data.Options
	blank, latin int
	bytes, at    int64 // that the texts take, and when the memory budget was asked last
	field        string
}

// add adds a text of a line. Blanks at its ends are left out, and lines within it become blanks.
func (r *reader) add(text, label string, line int) error {
	if !utf8.ValidString(text) && r.opt.Tokens != Bytes {
		t, err := charmap.Windows1252.NewDecoder().String(text)
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrFormat, line, err)
		}
		text = t
		r.latin++
	}
	if text = strings.TrimSpace(lines.Replace(text)); text == "" {
		r.blank++
		return nil
	}
	if strings.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("%w: line %d has a zero byte", ErrFormat, line)
	}
	if r.bytes += int64(len(text)) + beside; r.bytes-r.at > checked {
		r.at = r.bytes
		more := checked + int64(len(r.texts))*beside // those in use are kept while the slices grow
		if err := errors.Join(data.CheckItems(len(r.texts)), memory.Check(more, "to read on after %s", english.Plural(len(r.texts), "text"))); err != nil {
			return err
		}
	}
	r.texts, r.part.lines = append(r.texts, strings.Clone(text)), append(r.part.lines, int32(line))
	if r.hasLabel() {
		r.labels = append(r.labels, label)
	}
	return nil
}

// hasLabel reports whether each text has a label.
func (r *reader) hasLabel() bool { return r.opt.Label != "" && r.opt.Label != "-" }

// lines calls use for each line of a file, without its end.
func (r *reader) lines(br *bufio.Reader, use func(line string, at int) error) error {
	s := bufio.NewScanner(io.LimitReader(br, maxBytes+1))
	s.Buffer(make([]byte, 0, 1<<16), maxLine)
	n := int64(0)
	for at := 1; s.Scan(); at++ {
		if n += int64(len(s.Bytes())) + 1; n > maxBytes {
			return fmt.Errorf("%w: more than %d bytes", ErrFormat, int64(maxBytes))
		}
		if at > maxLines {
			return fmt.Errorf("%w: more than %d lines", ErrFormat, maxLines)
		}
		if len(s.Bytes()) == 0 {
			r.blank++
			continue
		}
		if err := use(s.Text(), at); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%w: a line of more than %d bytes is no short text", ErrFormat, maxLine)
	}
	return s.Err()
}

// textFields are the names by which the field of the texts is found without being named.
var textFields = []string{"text", "sentence", "content", "smiles", "name", "title"}

// jsonLine adds the text of a line of JSON: a string, or an object with it in a field.
func (r *reader) jsonLine(line string, at int) error {
	if strings.TrimSpace(line) == "" {
		r.blank++
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		return fmt.Errorf("%w: line %d is not JSON: %w", ErrFormat, at, err)
	}
	if s, ok := v.(string); ok && r.opt.Text == "" && !r.hasLabel() {
		return r.add(s, "", at)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%w: line %d is neither a JSON string nor an object", ErrFormat, at)
	}
	if r.field == "" {
		if r.field = r.opt.Text; r.field == "" {
			i := slices.IndexFunc(textFields, func(name string) bool { _, is := o[name].(string); return is })
			if i < 0 {
				return option.Errorf("line %d: which field holds the texts? want {Text}, one of %s", at, fields(o))
			}
			r.field = textFields[i]
			r.set.Tell("the texts are in the field %s; {Text} names another", r.field)
		}
	}
	s, ok := o[r.field].(string)
	if !ok {
		return option.Errorf("line %d has no text in the field %s: want {Text}, one of %s", at, r.field, fields(o))
	}
	label := ""
	if r.hasLabel() {
		l, ok := o[r.opt.Label]
		if !ok {
			return option.Errorf("line %d has no field %s: want {Label}, one of %s", at, r.opt.Label, fields(o))
		}
		label = fmt.Sprint(l)
	}
	return r.add(s, label, at)
}

// fields returns the names of the fields of an object.
func fields(o map[string]any) string {
	var names []string
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return english.Some(names)
}

// table adds the texts of a column of a table, which has a header.
func (r *reader) table(br *bufio.Reader, suffix string) error {
	head, _ := br.Peek(1 << 12)
	first, _, _ := strings.Cut(string(head), "\n")
	if r.opt.Medium != nil && !strings.Contains(first, r.opt.Text) { // {Text} was said of the data of the model
		r.set.Tell("no column %s: each line is a text", r.opt.Text)
		r.opt.Label = ""
		return r.lines(br, func(line string, at int) error { return r.add(line, "", at) })
	}
	c := csv.NewReader(io.LimitReader(br, maxBytes))
	c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = true, -1, true
	for _, comma := range []rune{'\t', ';', ','} {
		if strings.ContainsRune(first, comma) && (suffix != ".csv" || comma != '\t') {
			c.Comma = comma
			break
		}
	}
	names, err := c.Read()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	names = slices.Clone(names)
	column, err := find("Text", r.opt.Text, names)
	if err != nil {
		return err
	}
	label := -1
	if r.hasLabel() {
		if label, err = find("Label", r.opt.Label, names); err != nil {
			return err
		}
	}
	for {
		cells, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		line, _ := c.FieldPos(0)
		if len(cells) <= max(column, label) {
			return fmt.Errorf("%w: line %d has %s, want %d", ErrFormat, line, english.Plural(len(cells), "cell"), len(names))
		}
		of := ""
		if label >= 0 {
			of = strings.Clone(cells[label])
		}
		if err := r.add(cells[column], of, line); err != nil {
			return err
		}
	}
}

// find returns the column of that name, or of that number from 1; field is the option.
func find(field, name string, names []string) (int, error) {
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 1 && i <= len(names) {
		return i - 1, nil
	}
	return 0, option.Errorf("{"+field+"} %q: no such column%s; want one of %s, or a number from 1 to %d", name, data.DidYouMean(name, names), english.Some(names), len(names))
}
