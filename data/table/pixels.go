package table

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

// pixelNames are what columns are called that hold the pixels of an image: by their
// numbers, or by row and column.
var pixelNames = regexp.MustCompile(`^(pixel|px|pix)[_. ]?[0-9]+$|^[0-9]+x[0-9]+$`)

// pixelShape returns the rows, columns and channels of the images that rows of those
// columns are: as opt says, or square where the names of the columns say that they are
// pixels, of which it adds a note. ok is false of a table.
func (t *parsed) pixelShape(opt data.Options) (shape [3]int, ok bool, err error) {
	d := len(t.columns)
	if opt.Pixels != "" {
		if shape, err = opt.PixelShape(); err == nil && shape[0]*shape[1]*shape[2] != d {
			err = option.Errorf("%w: {Pixels} %s has %d numbers, and the table %d columns beside the label: leave out those that are no pixels with {Drop}", ErrFormat, opt.Pixels, shape[0]*shape[1]*shape[2], d)
		}
		return shape, true, err
	}
	side := int(math.Round(math.Sqrt(float64(d))))
	_, like := opt.Medium.(Medium)
	named := d >= 4 && side*side == d && opt.As != data.AsTable && !like
	for _, c := range t.columns {
		named = named && pixelNames.MatchString(c.Name)
	}
	switch {
	case named:
		set := data.Set{Notes: t.notes}
		set.Tell("the columns %s to %s are read as images of %dx%d, as their names say; {Table} reads them as columns", t.columns[0].Name, t.columns[d-1].Name, side, side)
		t.notes = set.Notes
	case opt.As == data.AsImages && side*side != d:
		return shape, false, option.Errorf("%w: rows of %d numbers are no square images: say their shape, as {Pixels} 28x28x1", ErrFormat, d)
	case opt.As != data.AsImages:
		return shape, false, nil
	}
	return [3]int{side, side, 1}, true, nil
}

// images returns the rows as images of that shape.
func (t *parsed) images(name string, shape [3]int, labels []int32, classes []string, opt data.Options) (*data.Set, error) {
	d := len(t.columns)
	for _, c := range t.columns {
		if c.Kind != "" {
			return nil, fmt.Errorf("%w: column %s is none of numbers, as pixels are: leave it out", ErrFormat, c.Name)
		}
	}
	place := func(i int) string { return fmt.Sprintf("line %d, column %s", t.lines[i/d], t.columns[i%d].Name) }
	scale, notes, err := data.FindScale([]data.Pixels{{Name: "the table", Len: len(t.values), At: func(i int) float64 { return t.values[i] }, Place: place}}, opt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	levels := make([]uint8, len(t.values))
	for i, v := range t.values {
		levels[i] = scale.Level(v)
	}
	items, err := data.NewInMemory(levels, len(t.lines), pixels.Item(shape[0], shape[1], shape[2]))
	if err != nil {
		return nil, err
	}
	set := &data.Set{Name: name, Classes: classes, Notes: append(t.notes, notes...), Range: scale.Reading()}
	set.Train = data.Split{Items: items, Labels: labels, Origins: data.Origins{Lines: t.lines, Rows: t.rows}}
	id := sha256.New()
	fmt.Fprintf(id, "pixels %v of %v %q\n", len(t.lines), shape, classes)
	for p := range slices.Chunk(levels, memory.Piece) {
		id.Write(p)
	}
	binary.Write(id, binary.LittleEndian, labels) // to a hash: cannot fail
	if err := data.Divide(set, opt); err != nil {
		return nil, err
	}
	fmt.Fprintln(id, "held out", set.Test.Len(), opt.Seed)
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return set, nil
}
