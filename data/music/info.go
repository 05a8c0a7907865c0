package music

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/folder"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/memory"
)

// An info is a table of performances, as the Groove MIDI set has: a CSV file named info.csv
// whose columns midi_filename and split name a file, below its folder, and its part: train,
// validation or test. The beginning of style, up to a slash, is the class. nil = there is none.
type info map[string]performance

// A performance is a row of an info.
type performance struct{ split, style string }

// maxInfo bounds the bytes of a table.
const maxInfo = 16 << 20

// takeInfo removes the tables from the files, and reads the first that is one of performances.
func takeInfo(files *data.Listing) (info, error) {
	var tables []data.ImageFile
	files.Files = slices.DeleteFunc(files.Files, func(f data.ImageFile) bool {
		is := path.Base(f.Name) == infoName
		if is {
			tables = append(tables, f)
		}
		return is
	})
	for _, f := range tables {
		in, err := readInfo(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if in != nil {
			return in, nil
		}
	}
	return nil, nil
}

// readInfo reads a table; nil if it has other columns.
func readInfo(f data.ImageFile) (info, error) {
	rd, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	b, err := memory.ReadFull(rd, maxInfo+1, "a table of performances")
	switch {
	case err == nil:
		return nil, fmt.Errorf("it has more than %d bytes", maxInfo)
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	}
	return parseInfo(string(b), path.Dir(f.Name))
}

// parseInfo reads the text of a table that lies in a folder.
func parseInfo(text, dir string) (info, error) {
	c := csv.NewReader(strings.NewReader(text))
	head, err := c.Read()
	if err != nil {
		return nil, nil // another kind of file
	}
	name, split, style := slices.Index(head, "midi_filename"), slices.Index(head, "split"), slices.Index(head, "style")
	if name < 0 || split < 0 {
		return nil, nil
	}
	in := info{}
	for {
		row, err := c.Read()
		if err == io.EOF {
			return in, nil
		}
		if err != nil {
			return nil, err
		}
		p := performance{split: row[split]}
		if style >= 0 {
			p.style, _, _ = strings.Cut(row[style], "/")
		}
		in[path.Join(dir, row[name])] = p
	}
}

// divide divides the files of those names as the table says, unless opt asks for another
// division. A file that is not in the table stays where it is. It returns how many are neither
// in the training nor in the test part.
func (in info) divide(l *folder.Layout, names []string, opt data.Options) (validation int) {
	if in == nil || opt.Whole || opt.TestFraction > 0 {
		return 0
	}
	var train, test []int
	for i, name := range names {
		switch p := in[name]; {
		case p.split == "validation":
			validation++
		case p.split == "test", p.split != "train" && slices.Contains(l.Test, i):
			test = append(test, i)
		case p.split == "train", slices.Contains(l.Train, i):
			train = append(train, i)
		}
	}
	if len(train) == 0 || len(test) == 0 {
		return 0
	}
	l.Train, l.Test = train, test
	return validation
}

// classify gives the files of those names the classes of the table, if it has one of each.
func (in info) classify(l *folder.Layout, names []string) {
	var styles []string
	for _, name := range names {
		styles = append(styles, in[name].style)
	}
	classes, numbers := data.Classes(styles)
	if l.Labels, l.Classes = nil, nil; len(classes) > 1 && classes[0] != "" {
		l.Labels, l.Classes = numbers[0], classes
	}
}

// NewSet returns a set of items of a medium of this package, values (N, T) of the training and of
// the test part, with their attributes. It keeps the values and does not copy them. It fails if
// their sizes do not agree.
func NewSet(ctx context.Context, name string, item medium.Item, train, test []float32) (*data.Set, error) {
	set := &data.Set{Name: name}
	id := sha256.New()
	fmt.Fprintf(id, "%s %T %+v\n", name, item.Medium, item.Medium)
	for _, p := range []struct {
		*data.Split
		values []float32
	}{{&set.Train, train}, {&set.Test, test}} {
		items, err := data.NewValues(p.values, item)
		if err != nil {
			return nil, fmt.Errorf("music: %w", err)
		}
		p.Items = items
		fmt.Fprintln(id, p.values)
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return set, describe(ctx, set)
}

// describe gives each item its attributes: whether it has more of each than the median of the
// training part. It says which items the parts have in common.
func describe(ctx context.Context, set *data.Set) error {
	item := set.Item()
	train, err := data.AllFloats(ctx, set.Train.Items)
	if err != nil {
		return err
	}
	test, err := data.AllFloats(ctx, set.Test.Items)
	if err != nil {
		return err
	}
	noteKnown(set, train, test)
	m := item.Medium.(medium.Measurer)
	set.Attributes = m.Measures(item)
	for a := range set.Attributes {
		median := 0.0
		for _, p := range []struct {
			values []float32
			*data.Split
		}{{train, &set.Train}, {test, &set.Test}} {
			if p.Attributes == nil {
				p.Attributes = make([]uint8, p.Len()*len(set.Attributes))
			}
			var measured []float64
			for v := range slices.Chunk(p.values, item.Size()) {
				measured = append(measured, m.Measure(item, v)[a])
			}
			if p.Split == &set.Train {
				sorted := slices.Sorted(slices.Values(measured))
				median = sorted[len(sorted)/2]
			}
			for i, v := range measured {
				if v > median {
					p.Attributes[i*len(set.Attributes)+a] = 1
				}
			}
		}
	}
	return nil
}
