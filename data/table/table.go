// Package table is the medium of rows of D numbers, and reads tables from CSV files.
//
// Open reads a CSV file as a set, and Tabulate makes a set of numbers of your own: each
// column is scaled to [0, 1]. An item has shape (D) and is written as CSV in the units of
// its columns.
//
// In a file, cells are separated by commas, semicolons or tabs, whichever the first line
// has most of, and may be quoted (RFC 4180). The first line is a header if none of its
// cells is a number, or if one of them names the label. The label is the column that
// Options.Label names; else the column called label, class or target, in upper or lower
// case; else the only column of words. The distinct values of the label are the classes,
// sorted as numbers if all are numbers, else as words. All other cells must be finite
// numbers: the error for an empty cell has its line and column.
//
// Some rows are held out for the test part (data.HoldOut). A table may have up to
// data.MaxInMemory bytes at 8 bytes a number. The package must not know any model.
package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/english"
)

// ErrFormat marks a file that is no table of numbers, in contrast to one that could not
// be read. Test with errors.Is.
var ErrFormat = errors.New("not a readable table of numbers")

// Opener returns the opener of files named .csv, .tsv or .psv, packed with gzip or not, and
// of texts that look like a table. It takes files of other programs too, to say how they
// are made into a table.
func Opener() data.Opener {
	return data.Opener{Name: "CSV", Match: match, Open: Open}
}

func match(path string, info fs.FileInfo, head []byte) bool {
	if info.IsDir() {
		return false
	}
	plain := strings.TrimSuffix(strings.ToLower(path), ".gz")
	switch filepath.Ext(plain) {
	case ".csv", ".tsv", ".psv":
		return true
	}
	if foreign(path, head) != "" {
		return true
	}
	if bytes.IndexByte(head, 0) >= 0 || imageio.IsHTML(head) {
		return false
	}
	text := strings.TrimPrefix(string(head), "\ufeff")
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) < 3 || !strings.ContainsAny(lines[1], "0123456789") {
		return false
	}
	sep := separator(text)
	n := count(lines[0], sep)
	return n > 0 && (sep == ' ' || count(lines[1], sep) == n)
}

// Open reads the table at path.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head) // what is wrong with it, the second reading finds
	f.Close()
	if way := foreign(path, head[:n]); way != "" {
		return nil, fmt.Errorf("table: %s: %w: %s", path, ErrFormat, way)
	}
	t := &text{open: func() (io.ReadCloser, error) { return data.OpenLong(ctx, path, opt) }}
	set, err := read(ctx, t, path, opt)
	if err != nil {
		return nil, fmt.Errorf("table: %s: %w", path, err)
	}
	return set, nil
}

func read(ctx context.Context, t *text, name string, opt data.Options) (*data.Set, error) {
	p, err := parse(ctx, t, opt)
	if err != nil {
		return nil, err
	}
	rows := Rows{Values: p.values, Origins: data.Origins{Lines: p.lines}}
	if p.dropped > 0 {
		rows.Origins.Rows = p.rows
	}
	var classes []string
	if p.label >= 0 {
		classes, rows.Labels = p.classes()
		var of data.Set
		of.Tell("column %s is the class of each row: %s, %s", p.labelName, english.Plural(len(classes), "different label"), english.Some(classes))
		of.WarnOfLabels("column "+p.labelName, len(classes), len(rows.Labels))
		p.notes = append(p.notes, of.Notes...)
	}
	if shape, ok, err := p.pixelShape(opt); err != nil {
		return nil, err
	} else if ok {
		return p.images(name, shape, rows.Labels, classes, opt)
	}
	set, err := tabulate(ctx, name, p.columns, rows, Rows{}, classes, opt)
	if err == nil {
		set.Notes = append(p.notes, set.Notes...)
	}
	return set, err
}
