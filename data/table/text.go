package table

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/option"
)

const (
	maxRow  = 16 << 20 // bytes: more is a quote that is never closed
	maxText = 64 << 30 // bytes, unpacked: more is no table that fits in memory
	headLen = 64 << 10 // bytes of the beginning by which the form is decided
)

// A text is a table as it is written: in a file, or in memory. It is read more than once.
type text struct {
	open func() (io.ReadCloser, error)

	// What look finds.
	comma   byte   // what parts the cells; ' ' = one blank or more
	skip    int    // lines at the head that are no rows
	comment string // the last of them, without its #
	oldMac  bool   // lines end in CR
	latin   bool   // bytes are Windows-1252, and not UTF-8; set by parse
	utf16   bool   // UTF-16, with or without a mark
}

// inMemory returns the text of a file that was read.
func inMemory(file []byte) *text {
	return &text{open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }}
}

// look finds the form of the text: separator, comments, ends of lines.
func (t *text) look() error {
	f, br, err := t.decoded()
	if err != nil {
		return err
	}
	defer f.Close()
	head, err := br.Peek(headLen)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return broken(err, 0)
	}
	start := head[:min(len(head), 512)]
	if what := imageio.Describe(start); what != "text" && (bytes.IndexByte(start, 0) >= 0 || !strings.HasPrefix(what, "unknown")) {
		return fmt.Errorf("%w: found %s", ErrFormat, what)
	}
	rest := string(head)
	t.oldMac = strings.Contains(rest, "\r") && !strings.Contains(rest, "\n")
	if t.oldMac {
		rest = strings.ReplaceAll(rest, "\r", "\n")
	}
	for {
		line, after, more := strings.Cut(rest, "\n")
		bare := strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(bare, "sep="); ok && t.skip == 0 && len(s) == 1 && isSeparator(s[0]) {
			t.comma = s[0] // as Excel writes
		} else if c, ok := strings.CutPrefix(bare, "#"); ok && more {
			t.comment = strings.TrimSpace(c)
		} else {
			break
		}
		t.skip++
		rest = after
	}
	if t.comma == 0 {
		t.comma = separator(rest)
	}
	return nil
}

func isSeparator(c byte) bool { return strings.IndexByte(separators, c) >= 0 }

// separators part cells, that which is least likely inside a cell first. Where none does,
// blanks may.
const separators = "\t;|,"

// separator returns what parts the cells of a table that begins so: that of which all
// lines have as many, else that of which the first line has most, else blanks.
func separator(head string) byte {
	lines := strings.Split(head, "\n")
	if len(lines) > 1 {
		lines = lines[:len(lines)-1] // the last may be cut off
	}
	lines = lines[:min(len(lines), 20)]
	for _, sep := range []byte(separators) {
		want := count(lines[0], sep)
		same := want > 0
		for _, line := range lines[1:] {
			same = same && (count(line, sep) == want || strings.TrimSpace(line) == "")
		}
		if same {
			return sep
		}
	}
	best := byte(',')
	for _, sep := range []byte(separators) {
		if count(lines[0], sep) > count(lines[0], best) {
			best = sep
		}
	}
	if count(lines[0], best) == 0 && blanks(lines) {
		return ' '
	}
	return best
}

// count returns how many separators a line has outside quotes.
func count(line string, sep byte) int {
	n, quoted := 0, false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case sep:
			if !quoted {
				n++
			}
		}
	}
	return n
}

// quotedBlanks are cells in quotes.
var quotedBlanks = regexp.MustCompile(`"[^"]*"`)

// blanks reports whether blanks part the cells: all lines have as many words, two or more,
// and most of them, but for those of the first line, are numbers.
func blanks(lines []string) bool {
	numbers, words, want := 0, 0, 0
	for i, line := range lines {
		cells := strings.Fields(quotedBlanks.ReplaceAllString(line, "x"))
		if len(cells) == 0 {
			continue
		}
		if want == 0 || i == 1 && len(cells) == want+1 { // R names no column of names of rows
			want = len(cells)
		}
		if len(cells) != want {
			return false
		}
		for _, c := range cells {
			if i > 0 || len(lines) == 1 {
				words++
				if isNumber(c) {
					numbers++
				}
			}
		}
	}
	return want > 1 && 2*numbers > words
}

// decoded opens the text as UTF-8 without a mark, unpacked.
func (t *text) decoded() (io.Closer, *bufio.Reader, error) {
	f, err := t.open()
	if err != nil {
		return nil, nil, err
	}
	br := bufio.NewReaderSize(f, headLen)
	if head, _ := br.Peek(2); string(head) == "\x1f\x8b" {
		zr, err := gzip.NewReader(br)
		if err != nil {
			f.Close()
			return nil, nil, broken(err, 0)
		}
		br = bufio.NewReaderSize(&limited{zr, maxText}, headLen)
	}
	var from *encoding.Decoder
	head, _ := br.Peek(4)
	zero := func(at ...int) bool {
		for _, i := range at {
			if len(head) < 4 || head[i] != 0 {
				return false
			}
		}
		return true
	}
	switch {
	case bytes.HasPrefix(head, []byte("\ufeff")):
		br.Discard(len("\ufeff"))
	case bytes.HasPrefix(head, []byte("\xff\xfe")), zero(1, 3) && !zero(0) && !zero(2):
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte("\xfe\xff")), zero(0, 2) && !zero(1) && !zero(3):
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	}
	t.utf16 = from != nil
	if t.latin && from == nil {
		from = charmap.Windows1252.NewDecoder()
	}
	if from != nil {
		br = bufio.NewReaderSize(from.Reader(br), headLen)
	}
	return f, br, nil
}

// limited is a reader that fails after so many bytes: a small file can unpack to a huge
// one.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("%w: more than %d bytes when unpacked", ErrFormat, int64(maxText))
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// rowReader fails when a row takes more than maxRow bytes. It ends lines in LF.
type rowReader struct {
	r      io.Reader
	left   int
	oldMac bool // the text has CR in place of LF
	blank  bool // tabs are blanks
}

var errLongRow = fmt.Errorf("a row of more than %d bytes: is a quote never closed?", maxRow)

func (r *rowReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongRow
	}
	n, err := r.r.Read(p[:min(len(p), r.left)])
	r.left -= n
	for i, c := range p[:n] {
		if r.oldMac && c == '\r' {
			p[i] = '\n'
		} else if r.blank && c == '\t' {
			p[i] = ' '
		}
	}
	return n, err
}

// each calls f with the cells of each row, without the blanks around them, and the line at
// which it begins. The cells are overwritten by the next row.
func (t *text) each(ctx context.Context, f func(line int, cells []string) error) error {
	file, br, err := t.decoded()
	if err != nil {
		return err
	}
	defer file.Close()
	for n := 0; n < t.skip; {
		c, err := br.ReadByte()
		if err != nil {
			return broken(err, 0)
		}
		if c == '\n' || t.oldMac && c == '\r' {
			n++
		}
	}
	rows := &rowReader{r: br, left: maxRow, oldMac: t.oldMac, blank: t.comma == ' '}
	c := csv.NewReader(rows)
	c.Comma = rune(t.comma)
	c.ReuseRecord, c.FieldsPerRecord = true, -1
	c.TrimLeadingSpace = t.comma != '\t' // else it would take an empty cell for a blank
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		cells, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return broken(err, t.skip)
		}
		rows.left = maxRow
		at, _ := c.FieldPos(0)
		if last := len(cells) - 1; t.comma == ' ' && last > 0 && cells[last] == "" {
			cells = cells[:last] // blanks at the end of a line
		}
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		if err := f(at+t.skip, cells); err != nil {
			return err
		}
	}
}

// broken returns an error of the CSV reader or of what is below it; skipped lines come
// before the first that the CSV reader counts.
func broken(err error, skipped int) error {
	var parse *csv.ParseError
	var flat flate.CorruptInputError
	switch {
	case errors.Is(err, errLongRow):
		return fmt.Errorf("%w: %w", ErrFormat, errLongRow)
	case errors.As(err, &parse):
		return fmt.Errorf("%w: line %d: %w; quote a cell as \"so\", and a quote in it as \"\"", ErrFormat, parse.Line+skipped, parse.Err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it ends early", ErrFormat)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &flat):
		return fmt.Errorf("%w: the gzip data are damaged: %w", ErrFormat, err)
	}
	return err
}

// valid reports whether all cells are UTF-8.
func valid(cells []string) bool {
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return false
		}
	}
	return true
}

// misfit returns the error for a row that has not as many cells as the first line.
func misfit(line, have, want int) error {
	return option.Errorf("%w: line %d: %d cells, want %d as in the first line", ErrFormat, line, have, want)
}
