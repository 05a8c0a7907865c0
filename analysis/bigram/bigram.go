// Package bigram models sequences of tokens by their pairs: the probability of a token depends
// on the one before it alone. It is a plain measure of how usual a sequence is, by which
// interpolations are compared with mixtures of their ends (Roberts et al. 2018,
// arXiv:1803.05416, sec. 5.2, for which it stands in place of a language model).
//
// The package must not know any model or medium.
package bigram

import (
	"context"
	"fmt"
	"math"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
)

// T is the number of steps of a sequence, V the number of tokens, in every comment.

// smoothing is what is added to the count of each pair, so that none has probability 0.
const smoothing = 0.1

// start stands before the first token.
const start = -1

// A Model is the counts of pairs. Its zero value is of no use; see Fit.
type Model struct {
	item  medium.Item
	pairs map[[2]int]float64
	after map[int]float64 // pairs that begin with a token
}

// Fit counts the pairs of tokens of all items. It fails if they are no sequences of tokens.
func Fit(ctx context.Context, items data.Items) (*Model, error) {
	item := items.Item()
	if item.Element != medium.Tokens || len(item.Shape) != 1 {
		return nil, fmt.Errorf("bigram: items of %v in %v: want sequences of tokens", item.Element, item)
	}
	m := &Model{item, map[[2]int]float64{}, map[int]float64{}}
	values := make([]float32, item.Size())
	r := data.NewReader(items)
	for i := range items.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.Floats(i, values); err != nil {
			return nil, fmt.Errorf("bigram: %w", err)
		}
		m.each(values, func(a, b int) {
			m.pairs[[2]int{a, b}]++
			m.after[a]++
		})
	}
	return m, nil
}

// each calls do with each pair of a sequence, up to the token that ends it.
func (m *Model) each(values []float32, do func(a, b int)) {
	end, ends := medium.End(m.item)
	a := start
	for _, v := range values {
		b := int(v)
		do(a, b)
		if ends && b == end {
			return
		}
		a = b
	}
}

// Cost returns the cost of a sequence in nats a token:
//
//	−1/n Σ_t ln p(x_t | x_t−1),   p(b|a) = (count(a, b) + 0.1)/(count(a) + 0.1 V)
//
// values (T). n counts the tokens up to the one that ends it.
func (m *Model) Cost(values []float32) float64 {
	sum, n := 0.0, 0
	m.each(values, func(a, b int) {
		p := (m.pairs[[2]int{a, b}] + smoothing) / (m.after[a] + smoothing*float64(m.item.Vocabulary))
		sum -= math.Log(p)
		n++
	})
	return sum / float64(n)
}

// Mix writes a mixture of two sequences to dst: each token is that of b with probability t,
// else that of a, drawn at key. a, b and dst (T).
func Mix(a, b []float32, t float64, key rng.Key, dst []float32) {
	for i := range dst {
		if dst[i] = a[i]; key.At(uint64(i)).Float64() < t {
			dst[i] = b[i]
		}
	}
}
