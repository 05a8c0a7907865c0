package cli

import (
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/columns"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
)

// itemsOutFlag declares --out of a command that makes items.
func itemsOutFlag(c *cobra.Command, name *string, preset string) {
	c.Flags().StringVar(name, "out", preset, "`file` to write: .png shows all, .npz holds arrays, folder/ gets a file each, .wav holds clips of sound one after another, .mid music, .txt texts; rows of a table go to .csv, .json, .jsonl, .parquet, or - for standard output")
}

// joinedSuffixes are those of the files of a medium.Joiner, which hold items one after another, and what the items are.
var joinedSuffixes = map[string]string{".wav": "sound", ".txt": "texts", ".mid": "music"}

// An itemsOut is the value of the flag --out of a command that makes items.
type itemsOut string

// suffix returns the suffix of the name in small letters, "/" for a folder, "-" for standard output.
func (o itemsOut) suffix() string {
	name := string(o)
	if name == stdoutName {
		return name
	}
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) {
		return "/"
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return "/"
	}
	return strings.ToLower(filepath.Ext(name))
}

// check returns an error if nothing can be written under that name.
func (o itemsOut) check() error {
	switch s := o.suffix(); s {
	case stdoutName:
		return nil
	case "/":
		return checkFolder("out", filepath.Clean(string(o)))
	case ".png", ".npz":
		return checkFolder("out", string(o))
	default:
		if slices.Contains(columns.Suffixes(), s) || joinedSuffixes[s] != "" {
			return checkFolder("out", string(o))
		}
	}
	return fmt.Errorf("--out %q: want a name that ends in .png, .npz, .wav, .mid, .txt, %s, a folder as made/, or -", string(o), strings.Join(columns.Suffixes(), ", "))
}

// isTable reports whether rows of a table are to be written.
func (o itemsOut) isTable() bool {
	return o == stdoutName || slices.Contains(columns.Suffixes(), o.suffix())
}

// checkItem returns an error if items of that medium cannot be written so. Commands call it before the work begins.
func (o itemsOut) checkItem(item medium.Item) error {
	if _, tabular := item.Medium.(medium.Tabular); o.isTable() && !tabular {
		return fmt.Errorf("--out %q: items of the %s medium are no rows of a table: write them to a .png or .npz file, or to a folder, as made/", string(o), item.Medium.Name())
	}
	j, joins := item.Medium.(medium.Joiner)
	if what := joinedSuffixes[o.suffix()]; what != "" && !(joins && j.Format(item).Extension == o.suffix()) {
		return fmt.Errorf("--out %q: items of the %s medium are no "+what+": write them to a .png or .npz file, or to a folder, as made/", string(o), item.Medium.Name())
	}
	if item.Medium == nil || o.suffix() != "/" {
		return nil
	}
	if item.Medium.Format(item).Many {
		return fmt.Errorf("--out %q: items of the %s medium are written many to a file: write them to a .csv or .npz file", string(o), item.Medium.Name())
	}
	return nil
}

// madeItems are items that a command has made, with what is known of each.
type madeItems struct {
	item   medium.Item
	values []float32    // (N, Shape), in [0, 1]
	names  []string     // of each, such as the file that it reconstructs; nil = by number
	labels []string     // class of each; nil = not conditional on a class
	more   []namedArray // such as the codes, for an NPZ file
	lead   []namedCells // columns before those of the items, for a table
}

// A namedArray is an array of an NPZ file with one row for each item.
type namedArray struct {
	name   string
	values []float32 // (N, width)
	width  int
}

// namedCells is a column of a table of items.
type namedCells struct {
	name  string
	cells []string
}

// count returns N.
func (m *madeItems) count() int { return len(m.values) / m.item.Size() }

// writeItems writes items as the name says, rows for standard output to stdout, and prints what it has written. picture
// draws them all.
func (a *app) writeItems(stdout io.Writer, out itemsOut, m *madeItems, picture func() (image.Image, error), format string, args ...any) error {
	switch out.suffix() {
	case ".png":
		img, err := picture()
		if err != nil {
			return err
		}
		if err := a.writePNG(string(out), img, format, args...); err != nil {
			return err
		}
		titles := m.labels
		if titles == nil {
			titles = m.names
		}
		return a.writeBeside(string(out), m.item, m.values, titles)
	case ".npz":
		if err := atomicfile.Write(string(out), m.npz); err != nil {
			return err
		}
		a.printWritten(string(out), format, args...)
		return nil
	case "/":
		return a.writeFolder(string(out), m, format, args...)
	}
	if joinedSuffixes[out.suffix()] != "" {
		file, err := m.item.Medium.(medium.Joiner).Join(m.item, m.values)
		if err == nil {
			err = atomicfile.WriteBytes(string(out), file)
		}
		if err == nil {
			a.printWritten(string(out), format, args...)
		}
		return err
	}
	table, err := m.table()
	if err != nil {
		return err
	}
	return a.writeTable(stdout, string(out), m.count(), table, format, args...)
}

// writeBeside writes what a picture of items does not give, such as their sound, into files of the same name beside it:
// all of them one after another, and a page that plays each. titles are those of the items; nil = by number.
func (a *app) writeBeside(picture string, item medium.Item, values []float32, titles []string) error {
	j, ok := item.Medium.(medium.Joiner)
	if !ok {
		return nil
	}
	file, err := j.Join(item, values)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(picture, filepath.Ext(picture)) + j.Format(item).Extension
	if err := atomicfile.WriteBytes(name, file); err != nil {
		return err
	}
	a.printWritten(name, "%s, one after another", english.Plural(len(values)/item.Size(), medium.Noun(item)))
	return a.writePlayPage(picture, item, values, titles)
}

// npz writes the items as array x, with what is known of them: levels (N, H, W, C) of images, which --data reads, rows
// in their units (N, D) of a table, other values in [0, 1].
func (m *madeItems) npz(w io.Writer) error {
	names, arrays := []string{"x"}, make([]*tensor.Tensor, 1)
	var err error
	n := m.count()
	if _, tabular := m.item.Medium.(medium.Tabular); tabular {
		var rows []float32
		for i := range n {
			for _, cell := range m.cells(i) {
				v, ok := cell.(float64)
				if !ok {
					return fmt.Errorf("the rows hold words, as %v, which an NPZ file does not: write a .csv, .json or .parquet file", cell)
				}
				rows = append(rows, float32(v))
			}
		}
		arrays[0], err = tensor.FromSlice(rows, n, len(rows)/max(1, n))
	} else if m.item.Element == medium.Levels {
		arrays[0], err = tensor.FromSlice(pixels.Bytes(m.values), m.item.Batch(n)...)
	} else {
		arrays[0], err = tensor.FromSlice(m.values, m.item.Batch(n)...)
	}
	for _, more := range m.more {
		if err == nil {
			var t *tensor.Tensor
			t, err = tensor.FromSlice(more.values, n, more.width)
			names, arrays = append(names, more.name), append(arrays, t)
		}
	}
	if err != nil {
		return err
	}
	return numpy.WriteNPZ(w, names, arrays)
}

// cells returns the cells of item i, which is tabular.
func (m *madeItems) cells(i int) []any {
	size := m.item.Size()
	return m.item.Medium.(medium.Tabular).Cells(m.item, m.values[i*size:(i+1)*size])
}

// writeFolder writes one file for each item, in a folder of its class if it has one, so that --data reads them with
// their classes. It replaces no file.
func (a *app) writeFolder(dir string, m *madeItems, format string, args ...any) error {
	files, err := medium.Encode(m.item, m.values)
	if err != nil {
		return err
	}
	names := make([]string, len(files))
	extension := m.item.Medium.Format(m.item).Extension
	taken := map[string]bool{}
	for i := range files {
		name := fmt.Sprintf("%06d", i)
		if m.names != nil {
			name = safeName(m.names[i])
		}
		if m.labels != nil {
			name = filepath.Join(safeName(m.labels[i]), name)
		}
		for k := 2; taken[name]; k++ { // two items of one name, such as crops of one file
			name = fmt.Sprintf("%s-%d", strings.TrimSuffix(name, fmt.Sprintf("-%d", k-1)), k)
		}
		taken[name] = true
		names[i] = filepath.Join(dir, name+extension)
		if _, err := os.Lstat(names[i]); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--out %q: %s is there already, and nothing was written: choose another folder", dir, names[i])
		}
	}
	for i, file := range files {
		if err := os.MkdirAll(filepath.Dir(names[i]), 0o777); err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(names[i], file); err != nil {
			return err
		}
	}
	a.printWritten(dir, "%s, %s", fmt.Sprintf(format, args...), english.Plural(len(files), "file"))
	return nil
}

// safeName returns a name of a file without its suffix that is one element of a path on all systems: letters that a
// system gives a meaning become _.
func safeName(name string) string {
	name = strings.TrimSuffix(name, filepath.Ext(name))
	name = strings.Map(func(r rune) rune {
		if screen.Unsafe(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if name = strings.TrimLeft(name, "."); name == "" {
		return "_"
	}
	return name
}

// table returns the columns of a table of the items, which are tabular: what leads them, their labels, and their cells
// in the units of the medium.
func (m *madeItems) table() ([]columns.Column, error) {
	var out []columns.Column
	for _, lead := range m.lead {
		out = append(out, columns.Column{Name: lead.name, Text: func(i int) string { return lead.cells[i] }})
	}
	if m.labels != nil {
		out = append(out, columns.Column{Name: "label", Text: func(i int) string { return m.labels[i] }})
	}
	names := m.item.Medium.(medium.Tabular).Header(m.item)
	if m.count() == 0 {
		return nil, errors.New("there are no rows to write")
	}
	at, row := 0, m.cells(0) // columns are asked row by row
	cell := func(i, j int) any {
		if i != at {
			at, row = i, m.cells(i)
		}
		return row[j]
	}
	for j, name := range names {
		col := columns.Column{Name: name}
		if _, number := row[j].(float64); number {
			col.Float = func(i int) float32 { v, _ := cell(i, j).(float64); return float32(v) }
		} else {
			col.Text = func(i int) string { return fmt.Sprint(cell(i, j)) }
		}
		out = append(out, col)
	}
	return out, nil
}
