package data

import (
	"slices"

	"github.com/imago-ml/imago/data/medium"
)

// All returns the items of both parts as one split: those of the training part, then
// those of the test part. A set that was opened with Options.Whole has them in the order
// of its file. Items without an origin that names a file are called by their part, train
// or test, if both parts have items.
func (s Set) All() Split {
	a, b := s.Train, s.Test
	switch {
	case b.Len() == 0:
		return a
	case a.Len() == 0:
		return b
	}
	all := Split{Items: &joined{a.Items, b.Items}}
	if a.Labels != nil && b.Labels != nil {
		all.Labels = slices.Concat(a.Labels, b.Labels)
	}
	if a.Attributes != nil && b.Attributes != nil {
		all.Attributes = slices.Concat(a.Attributes, b.Attributes)
	}
	o := &all.Origins
	o.Alone = a.Origins.Alone && b.Origins.Alone
	lines := a.Origins.Lines != nil || b.Origins.Lines != nil
	for _, p := range []struct {
		name string
		Split
	}{{"train", a}, {"test", b}} {
		for i := range p.Len() {
			from := p.Origin(i)
			if from.File == "" && from.Line == 0 {
				from.File = p.name
			}
			o.Files = append(o.Files, from.File)
			o.Rows = append(o.Rows, int32(from.Row))
			if lines {
				o.Lines = append(o.Lines, int32(from.Line))
			}
		}
	}
	return all
}

// joined is the items of a, then those of b.
type joined struct{ a, b Items }

func (j *joined) Len() int          { return j.a.Len() + j.b.Len() }
func (j *joined) Item() medium.Item { return j.a.Item() }

func (j *joined) At(i int, dst []uint8) error {
	if err := checkAt(j, i, dst); err != nil {
		return err
	}
	if n := j.a.Len(); i >= n {
		return j.b.At(i-n, dst)
	}
	return j.a.At(i, dst)
}

// exactly returns the FloatsAt of both; nil if they are levels.
func (j *joined) exactly() func(i int, dst []float32) error {
	a, b := exactly(j.a), exactly(j.b)
	if a == nil || b == nil {
		return nil
	}
	return func(i int, dst []float32) error {
		if n := j.a.Len(); i >= n {
			return b(i-n, dst)
		}
		return a(i, dst)
	}
}
