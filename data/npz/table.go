package npz

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/internal/memory"
)

func makeTable(ctx context.Context, parts [2]arrays, opt data.Options) (*data.Set, error) {
	var rows [2]table.Rows
	d := width(parts[0].images)
	var set data.Set // collects the notes
	kinds, numbers, err := classes(&set, parts)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		if p.images == nil {
			continue
		}
		if have := width(p.images); have != d {
			return nil, fmt.Errorf("%s has %d columns but %s has %d", parts[0].imagesName, d, p.imagesName, have)
		}
		if rows[i].Values, err = p.numbers(); err != nil {
			return nil, err
		}
		rows[i].Origins, rows[i].Labels = origins(parts, i), numbers[i]
	}
	names := count(1, d)
	chosen, err := table.Choose(names, opt.Reading)
	if err != nil {
		return nil, err
	}
	if len(chosen) < d {
		for i := range rows {
			rows[i].Values = pick(rows[i].Values, chosen, d)
		}
		names = pick(names, chosen, d)
	}
	if like, ok := opt.Medium.(table.Medium); ok { // columns of an array are known by their places
		if known := like.Header(table.Item(like.Columns)); len(known) == len(names) && len(like.Columns) == len(names) && !slices.Equal(known, names) {
			set.Warn("columns are taken in their order, because those of an array have no names")
			names = known
		}
	}
	tabulated, err := table.Tabulate(ctx, "", names, rows[0], rows[1], kinds, opt)
	if err == nil {
		tabulated.Notes = append(set.Notes, tabulated.Notes...)
	}
	return tabulated, err
}

// pick returns the chosen ones of each row of d values.
func pick[T any](values []T, chosen []int, d int) []T {
	var out []T
	for at := 0; at < len(values); at += d {
		for _, j := range chosen {
			out = append(out, values[at+j])
		}
	}
	return out
}

// numbers returns t as float64, NaN where a value is missing. It fails if an element is
// infinite.
func (p arrays) numbers() ([]float64, error) {
	if err := memory.Check(8*int64(p.images.Size()), "the numbers of %s", p.imagesName); err != nil {
		return nil, err
	}
	out := make([]float64, p.images.Size())
	for i := range out {
		if out[i] = p.number(i); math.IsInf(out[i], 0) {
			return nil, fmt.Errorf("%s is %v: numbers must be finite; mend it, or leave the row out", p.place(i), out[i])
		}
	}
	return out, nil
}

// origins says where the items of part i come from: of two parts, from the array of that
// name.
func origins(parts [2]arrays, i int) data.Origins {
	if parts[1].images == nil {
		return data.Origins{}
	}
	return data.Origins{Files: slices.Repeat([]string{parts[i].imagesName}, parts[i].images.Shape()[0])}
}
