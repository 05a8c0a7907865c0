package anomaly

import (
	"context"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

// A tail is how fast the training values of a column thin out towards the ends of their
// range: the mean excess β of the outermost hundredth of them, at least ten values, over the
// value before these, as a part of the range, and at least leastTail. Below and Above are
// those of the two ends.
//
// Beyond the end e of the range, the values of the column are taken to be exponentially
// distributed with that mean, as the tail of a distribution is over a high threshold
// (Pickands 1975, with shape 0). So the score of a value v beyond it is
//
//	−ln P(V > v | V > e) = |v − e| / β
//
// in nats. A value a hundredth of the range beyond the end costs at most one nat, and the
// score grows in proportion to the distance. A column of one value c has no range: its β is
// a hundredth of |c|, or of 1.
type tail struct {
	Below float64 `json:"below"`
	Above float64 `json:"above"`
}

const (
	leastTail    = 0.01
	maxTailCells = 1 << 25 // values from which tails are estimated
)

// fitTails returns the tails of the columns of training rows; nil if they are no rows of a
// table.
func fitTails(ctx context.Context, train data.Items) ([]tail, error) {
	item := train.Item()
	if _, ok := item.Medium.(medium.Tabular); !ok {
		return nil, nil
	}
	d := item.Size()
	n := min(train.Len(), max(1, maxTailCells/d))
	index := make([]int32, n)
	for k := range index {
		index[k] = int32(k * train.Len() / n)
	}
	x := make([]float32, n*d)
	if err := data.Floats(ctx, train, index, x); err != nil {
		return nil, err
	}
	tails, column := make([]tail, d), make([]float32, n)
	for j := range tails {
		for i := range column {
			column[i] = x[i*d+j]
		}
		slices.Sort(column)
		tails[j] = tail{Below: meanExcess(column, 1), Above: meanExcess(column, -1)}
	}
	return tails, nil
}

// meanExcess returns the mean distance of the outermost values of a sorted column from the
// value before these: of the least values if step is 1, of the greatest if it is −1.
func meanExcess(column []float32, step int) float64 {
	n := len(column)
	k := min(max(10, n/100), n/2)
	at := 0
	if step < 0 {
		at = n - 1
	}
	sum := 0.0
	for i := range k {
		sum += math.Abs(float64(column[at+i*step]) - float64(column[at+k*step]))
	}
	return max(leastTail, sum/float64(max(1, k)))
}

// beyond returns the range score of each row.
func (d *Detector) beyond(rows data.Items) []float64 {
	out := make([]float64, rows.Len())
	p := data.Split{Items: rows}
	for i := range out {
		for _, b := range p.Beyond(i) {
			out[i] += d.Tails[b.Column].score(b)
		}
		out[i] = min(out[i], math.MaxFloat32/4) // a sum with another score stays a float32
	}
	return out
}

// score returns the range score of a value. Halves keep a difference from overflowing.
func (t tail) score(b data.Beyond) float64 {
	end, beta := b.Max, t.Above
	if b.Value < b.Min {
		end, beta = b.Min, t.Below
	}
	distance := math.Abs(b.Value/2 - end/2)
	if b.Max > b.Min {
		return distance / (b.Max/2 - b.Min/2) / beta
	}
	return 2 * (distance / (leastTail * max(math.Abs(end), 1)))
}
