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
)

// ErrFormat marks a file that is no table of numbers, in contrast to one that could not
// be read. Test with errors.Is.
var ErrFormat = errors.New("not a readable table of numbers")

// Opener returns the opener of files named .csv or .tsv, and of texts that look like a
// table.
func Opener() data.Opener {
	return data.Opener{Name: "CSV", Match: match, Open: Open}
}

func match(path string, info fs.FileInfo, head []byte) bool {
	if info.IsDir() {
		return false
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv":
		return true
	}
	if bytes.IndexByte(head, 0) >= 0 || imageio.IsHTML(head) {
		return false
	}
	lines := bytes.SplitN(head, []byte("\n"), 3)
	if len(lines) < 3 || !bytes.ContainsAny(lines[1], "0123456789") {
		return false
	}
	sep := []byte{separator(string(lines[0]))}
	n := bytes.Count(lines[0], sep)
	return n > 0 && bytes.Count(lines[1], sep) == n
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
	defer f.Close()
	set, err := read(ctx, f, path, opt)
	if err != nil {
		return nil, fmt.Errorf("table: %s: %w", path, err)
	}
	return set, nil
}

func read(ctx context.Context, r io.Reader, name string, opt data.Options) (*data.Set, error) {
	t, err := parse(ctx, r, opt.Label)
	if err != nil {
		return nil, err
	}
	rows := Rows{Values: t.values, Origins: data.Origins{Lines: t.lines}}
	var classes []string
	if t.label >= 0 {
		if classes, rows.Labels, err = t.classes(); err != nil {
			return nil, err
		}
	}
	return Tabulate(ctx, name, t.columns, rows, Rows{}, classes, opt)
}
