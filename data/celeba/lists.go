package celeba

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/formats/zipfile"
	"github.com/imago-ml/imago/internal/memory"
)

// ErrFormat marks a malformed list, in contrast to one that could not be read. Test
// with errors.Is.
var ErrFormat = errors.New("not a list of CelebA")

// Bounds on what a list may claim: the published ones have 202,599 rows and 40 names.
const (
	maxRows  = 1 << 24
	maxNames = 1 << 10
	maxLine  = 1 << 16
	maxBytes = 1 << 30
)

// A roster lists the images and the part of each.
type roster struct {
	names []string // of the images, in the order of the list
	parts []uint8  // of each: 0 train, 1 validation, 2 test
}

// The parts of list_eval_partition.txt.
const (
	partTrain = iota
	partValidation
	partTest
	numParts
)

// csvName is the first word of the lists that Kaggle passes on, in which commas separate
// the values: a header with the names of the columns.
const csvName = "image_id"

// readRoster reads list_eval_partition.txt: an image's name and its part in each line,
// after a header in the .csv file.
func readRoster(r io.Reader) (roster, error) {
	var out roster
	seen := map[string]bool{}
	err := lines(r, func(n int, fields []string) error {
		if n == 1 && fields[0] == csvName {
			return nil
		}
		if len(fields) != 2 || len(fields[1]) != 1 || fields[1][0] < '0' || fields[1][0] >= '0'+numParts {
			return fmt.Errorf("%q, want the name of an image and 0, 1 or 2", strings.Join(fields, " "))
		}
		name := strings.Clone(fields[0])
		if seen[name] {
			return fmt.Errorf("%s for the second time", name)
		}
		seen[name] = true
		out.names, out.parts = append(out.names, name), append(out.parts, fields[1][0]-'0')
		return nil
	})
	if err == nil && len(out.names) == 0 {
		err = fmt.Errorf("%w: it is empty", ErrFormat)
	}
	return out, err
}

// attributes is the content of list_attr_celeba.txt.
type attributes struct {
	names  []string
	row    map[string]int // of an image
	values []uint8        // (rows, len(names)), 0 or 1
}

// lookup returns the attributes of an image; nil if the list does not contain it.
func (a *attributes) lookup(image string) []uint8 {
	i, ok := a.row[image]
	if !ok {
		return nil
	}
	return a.values[i*len(a.names):][:len(a.names)]
}

// readAttributes reads list_attr_celeba.txt: the number of rows, the names of the
// attributes, and in each row an image's name and −1 or 1 for each. The .csv file has a
// header in place of the first two.
func readAttributes(r io.Reader) (*attributes, error) {
	a := &attributes{row: map[string]int{}}
	claimed, first := 0, 3 // the line of the first row
	err := lines(r, func(n int, fields []string) (err error) {
		switch {
		case n == 1 && fields[0] == csvName:
			first = 2
			return a.setNames(fields[1:])
		case n >= first:
			return a.add(fields)
		case n == 1:
			if claimed, err = strconv.Atoi(fields[0]); err != nil || len(fields) != 1 || claimed < 1 || claimed > maxRows {
				return fmt.Errorf("%q, want the number of rows", strings.Join(fields, " "))
			}
			return nil
		}
		return a.setNames(fields)
	})
	switch {
	case err != nil:
	case len(a.row) == 0:
		err = fmt.Errorf("%w: it has no rows", ErrFormat)
	case first > 2 && len(a.row) != claimed:
		err = fmt.Errorf("%w: %d rows, but line 1 says %d", ErrFormat, len(a.row), claimed)
	}
	return a, err
}

func (a *attributes) setNames(fields []string) error {
	if len(fields) > maxNames {
		return fmt.Errorf("%d names, want at most %d", len(fields), maxNames)
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f] {
			return fmt.Errorf("the attribute %s for the second time", f)
		}
		if f == "1" || f == "-1" {
			return fmt.Errorf("%q among the names of the attributes: the line of names is missing", f)
		}
		seen[f] = true
		a.names = append(a.names, strings.Clone(f))
	}
	return nil
}

func (a *attributes) add(fields []string) error {
	image, values := fields[0], fields[1:]
	if len(values) != len(a.names) {
		return fmt.Errorf("%d values for %s, want %d, one for each attribute", len(values), image, len(a.names))
	}
	if _, twice := a.row[image]; twice {
		return fmt.Errorf("%s for the second time", image)
	}
	for i, v := range values {
		switch v {
		case "1":
			a.values = append(a.values, 1)
		case "-1":
			a.values = append(a.values, 0)
		default:
			return fmt.Errorf("%q for %s of %s, want 1 or -1", v, a.names[i], image)
		}
	}
	a.row[strings.Clone(image)] = len(a.row)
	return nil
}

// lines calls f with the number, from 1, and the fields of each line that is not blank.
// A carriage return and a byte order mark count as blanks.
func lines(r io.Reader, f func(n int, fields []string) error) error {
	br := bufio.NewReader(r)
	if head, _ := br.Peek(512); imageio.IsHTML(head) || bytes.IndexByte(head, 0) >= 0 {
		return fmt.Errorf("%w: found %s", ErrFormat, imageio.Describe(head))
	}
	s := bufio.NewScanner(br)
	s.Buffer(nil, maxLine)
	rows := 0
	for n := 1; s.Scan(); n++ {
		text := s.Text()
		if n == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
		if len(fields) == 0 {
			continue
		}
		if rows++; rows > maxRows {
			return fmt.Errorf("%w: more than %d rows", ErrFormat, maxRows)
		}
		if err := f(n, fields); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%w: a line of more than %d bytes", ErrFormat, maxLine)
	}
	return s.Err()
}

// openList opens a list that is a text, or the one text in a zip.
func openList(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if strings.ToLower(path.Ext(name)) != ".zip" {
		return limited{io.LimitReader(f, maxBytes), f}, nil
	}
	rc, err := openZipped(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return limited{io.LimitReader(rc, maxBytes), f}, nil
}

type limited struct {
	io.Reader
	io.Closer
}

func openZipped(f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zipfile.Open(f, info.Size(), memory.Check)
	if err != nil {
		return nil, err
	}
	var text *zip.File
	for _, zf := range z.File {
		if ext := path.Ext(zf.Name); ext != ".txt" && ext != ".csv" || strings.HasPrefix(zf.Name, "__MACOSX/") {
			continue
		}
		if text != nil {
			return nil, fmt.Errorf("both %s and %s in it, want one text", text.Name, zf.Name)
		}
		text = zf
	}
	if text == nil {
		return nil, errors.New("no text in it")
	}
	return text.Open()
}
