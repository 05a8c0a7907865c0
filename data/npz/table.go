package npz

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/engine/tensor"
)

// isTable reports whether the arrays are rows of numbers: of rank 2, and not square
// images with levels from 0 to 255.
func isTable(parts [2]arrays) bool {
	images := true
	for _, p := range parts {
		if p.images == nil {
			continue
		}
		s := p.images.Shape()
		if len(s) != 2 {
			return false
		}
		side := int(math.Round(math.Sqrt(float64(s[1]))))
		lo, hi := bounds(p.images)
		images = images && side*side == s[1] && lo >= 0 && hi <= 255
	}
	return !images
}

func makeTable(ctx context.Context, parts [2]arrays, opt data.Options) (*data.Set, error) {
	var rows [2]table.Rows
	d, most := parts[0].images.Shape()[1], int32(-1)
	for i, p := range parts {
		if p.images == nil {
			continue
		}
		if have := p.images.Shape()[1]; have != d {
			return nil, fmt.Errorf("%s has %d columns but %s has %d", parts[0].imagesName, d, p.imagesName, have)
		}
		var err error
		if rows[i].Values, err = numbers(p.images); err != nil {
			return nil, fmt.Errorf("%s: %w", p.imagesName, err)
		}
		rows[i].Origins = origins(parts, i)
		if p.labels == nil || opt.Label == "-" {
			continue
		}
		if rows[i].Labels, err = labels(p.labels); err != nil {
			return nil, fmt.Errorf("%s: %w", p.labelsName, err)
		}
		if n := len(rows[i].Values) / d; len(rows[i].Labels) != n {
			return nil, fmt.Errorf("%d rows in %s but %d labels in %s: write the file again with one label a row, or without labels", n, p.imagesName, len(rows[i].Labels), p.labelsName)
		}
		most = max(most, slices.Max(rows[i].Labels))
	}
	return table.Tabulate(ctx, "", count(1, int32(d)), rows[0], rows[1], count(0, most), opt)
}

// numbers returns t as float64. It fails if an element is not finite.
func numbers(t *tensor.Tensor) ([]float64, error) {
	out, d := make([]float64, t.Size()), t.Shape()[1]
	for i := range out {
		if out[i] = value(t, i); math.IsNaN(out[i]) || math.IsInf(out[i], 0) {
			return nil, fmt.Errorf("row %d, column %d is %v: fill it in, or leave the row or the column out", i/d+1, i%d+1, out[i])
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
