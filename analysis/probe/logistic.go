package probe

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// Features are rows that classifiers are fitted to, with the statistics that do not
// depend on labels, so that several classifiers share them. Its methods are safe for
// concurrent use.
type Features struct {
	d        int
	x        []float32 // (N, D), not copied
	mean, by []float64 // (D): mean and 1/deviation; by is 0 for a feature that never changes
	gram     []float64 // (D+1, D+1), upper triangle: mean of r·rᵀ, r a standardised row and a 1
}

// NewFeatures computes the statistics of x (N, D), N ≥ 1. It keeps x, which must not
// change.
func NewFeatures(x []float32, d int) (*Features, error) {
	n, err := rows("logistic regression", x, d)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("probe: logistic regression: no rows, want 1 at least")
	}
	f := &Features{d: d, x: x, gram: make([]float64, (d+1)*(d+1))}
	f.standardise()
	block := general(blockRows, d+1)
	for at := 0; at < n; at += blockRows {
		block.Rows = min(blockRows, n-at)
		standardised(x[at*d:], f.mean, f.by, block)
		blas64.Syrk(blas.Trans, 1/float64(n), block, 1, blas64.Symmetric{N: d + 1, Stride: d + 1, Data: f.gram, Uplo: blas.Upper})
	}
	return f, nil
}

// standardise computes mean and by.
func (f *Features) standardise() {
	n := float64(len(f.x) / f.d)
	f.mean, f.by = make([]float64, f.d), make([]float64, f.d)
	for i, v := range f.x {
		f.mean[i%f.d] += float64(v) / n
	}
	for i, v := range f.x {
		e := float64(v) - f.mean[i%f.d]
		f.by[i%f.d] += e * e / n
	}
	for j, v := range f.by {
		f.by[j] = 0
		if v > 0 {
			f.by[j] = 1 / math.Sqrt(v)
		}
	}
}

// A Logistic is a multinomial logistic regression: the classifier of a linear probe
// (Alain & Bengio, arXiv:1610.01644),
//
//	p(y|x) = softmax(W·(x − m)/s + b)
//
// with m and s the mean and standard deviation of the features it was fitted to.
type Logistic struct {
	d, k     int
	mean, by []float64 // (D): m and 1/s; by is 0 for a feature that never changes
	w        []float64 // (D+1, K), the last row being b
}

// Logistic fits a multinomial logistic regression: it minimises the mean cross-entropy
// plus ½·l2·|W|² by L-BFGS, from W = 0. The search uses coordinates v = U·W in which
// the features are uncorrelated, where UᵀU is the mean of r·rᵀ over K plus l2·I, close
// to the curvature at W = 0: it needs some tens of iterations instead of hundreds. It
// stops after 300 iterations, near the minimum.
//
// y (N) in [0, k); l2 > 0, and 1e-4 is a weak penalty.
func (f *Features) Logistic(ctx context.Context, y []int32, k int, l2 float64) (*Logistic, error) {
	if err := labelled("logistic regression", y, len(f.x)/f.d, k); err != nil {
		return nil, err
	}
	if k < 2 || !(l2 > 0) || math.IsInf(l2, 0) {
		return nil, fmt.Errorf("probe: logistic regression: %d classes with l2 %v, want 2 classes and a finite number above 0 at least", k, l2)
	}
	d := f.d
	upper, err := f.curvature(k, l2)
	if err != nil {
		return nil, err
	}
	l := &Logistic{d: d, k: k, mean: f.mean, by: f.by}
	fit := newLogisticFit(l, f.x, y, l2)
	weights := func(v []float64) []float64 {
		w := blas64.General{Rows: d + 1, Cols: k, Stride: k, Data: slices.Clone(v)}
		blas64.Trsm(blas.Left, blas.NoTrans, 1, upper, w)
		return w.Data
	}
	var at, grad []float64 // where loss and gradient were last asked for
	var loss float64
	eval := func(v []float64) {
		if at == nil || !slices.Equal(at, v) {
			at = append(at[:0], v...)
			loss, grad = fit.loss(weights(v))
			blas64.Trsm(blas.Left, blas.Trans, 1, upper, blas64.General{Rows: d + 1, Cols: k, Stride: k, Data: grad})
		}
	}
	problem := optimize.Problem{
		Func: func(w []float64) float64 { eval(w); return loss },
		Grad: func(g, w []float64) { eval(w); copy(g, grad) },
		Status: func() (optimize.Status, error) {
			if ctx.Err() != nil {
				return optimize.Failure, context.Cause(ctx)
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{MajorIterations: 300, GradientThreshold: 1e-6}
	result, err := optimize.Minimize(problem, make([]float64, (d+1)*k), settings, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// A line search that finds nothing better has met the precision of the sums: what it has is the answer.
	if result == nil {
		return nil, fmt.Errorf("probe: logistic regression: %w", err)
	}
	l.w = weights(result.X)
	return l, nil
}

// curvature returns U, (D+1, D+1).
func (f *Features) curvature(k int, l2 float64) (blas64.Triangular, error) {
	const least = 1e-10 // of what is added, for features that say the same
	s := mat.NewSymDense(f.d+1, slices.Clone(f.gram))
	s.ScaleSym(1/float64(k), s)
	for i := range f.d + 1 {
		s.SetSym(i, i, s.At(i, i)+max(l2, least))
	}
	var c mat.Cholesky
	if !c.Factorize(s) {
		return blas64.Triangular{}, fmt.Errorf("probe: logistic regression: the %d features have products that are not finite", f.d)
	}
	return c.RawU().(mat.RawTriangular).RawTriangular(), nil
}

// blockRows is how many rows a product takes at a time: a block stays in cache.
const blockRows = 512

// A logisticFit holds the buffers for the loss of W.
type logisticFit struct {
	*Logistic
	x     []float32
	y     []int32
	l2    float64
	grad  []float64      // (D+1, K)
	rows  blas64.General // (blockRows, D+1): standardised rows and a 1
	probs blas64.General // (blockRows, K)
}

func newLogisticFit(l *Logistic, x []float32, y []int32, l2 float64) *logisticFit {
	return &logisticFit{Logistic: l, x: x, y: y, l2: l2, grad: make([]float64, (l.d+1)*l.k), rows: general(blockRows, l.d+1), probs: general(blockRows, l.k)}
}

func general(rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float64, rows*cols)}
}

// block writes the standardised rows of x from row at on into f.rows, and their
// probabilities under w into f.probs. It returns the number of rows.
func (f *logisticFit) block(at int, w []float64) (n int) {
	n = min(blockRows, len(f.x)/f.d-at)
	f.rows.Rows, f.probs.Rows = n, n
	standardised(f.x[at*f.d:], f.mean, f.by, f.rows)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, f.rows, blas64.General{Rows: f.d + 1, Cols: f.k, Stride: f.k, Data: w}, 0, f.probs)
	for i := range n {
		softmax(f.probs.Data[i*f.k : (i+1)*f.k])
	}
	return n
}

// standardised writes the first rows of x, standardised and each followed by a 1, into
// to.
func standardised(x []float32, mean, by []float64, to blas64.General) {
	d := len(mean)
	for i := range to.Rows {
		row := to.Data[i*to.Stride : i*to.Stride+d+1]
		for j, v := range x[i*d : (i+1)*d] {
			row[j] = (float64(v) - mean[j]) * by[j]
		}
		row[d] = 1
	}
}

func softmax(p []float64) {
	most, sum := math.Inf(-1), 0.0
	for _, v := range p {
		most = max(most, v)
	}
	for j, v := range p {
		p[j] = math.Exp(v - most)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
}

// loss returns the objective of Features.Logistic and its gradient in w.
func (f *logisticFit) loss(w []float64) (loss float64, grad []float64) {
	all := float64(len(f.y))
	clear(f.grad)
	g := blas64.General{Rows: f.d + 1, Cols: f.k, Stride: f.k, Data: f.grad}
	for at := 0; at < len(f.y); at += blockRows {
		n := f.block(at, w)
		for i, l := range f.y[at : at+n] {
			p := &f.probs.Data[i*f.k+int(l)]
			loss -= math.Log(max(*p, math.SmallestNonzeroFloat64)) / all
			*p -= 1
		}
		blas64.Gemm(blas.Trans, blas.NoTrans, 1/all, f.rows, f.probs, 1, g)
	}
	for i, v := range w[:f.d*f.k] { // not b
		loss += f.l2 / 2 * v * v
		f.grad[i] += f.l2 * v
	}
	return loss, f.grad
}

// Probs returns p(y|x) of each row.
//
// x (N, D) → (N, K).
func (l *Logistic) Probs(x []float32) ([]float64, error) {
	n, err := rows("logistic regression", x, l.d)
	if err != nil {
		return nil, err
	}
	f := newLogisticFit(l, x, nil, 0)
	probs := make([]float64, 0, n*l.k)
	for at := 0; at < n; at += blockRows {
		m := f.block(at, l.w)
		probs = append(probs, f.probs.Data[:m*l.k]...)
	}
	return probs, nil
}

// Predict returns the most probable class of each row, the first of equally probable
// ones.
//
// x (N, D) → (N).
func (l *Logistic) Predict(x []float32) ([]int32, error) {
	probs, err := l.Probs(x)
	if err != nil {
		return nil, err
	}
	return Argmax(probs, l.k), nil
}

// Argmax returns the index of the largest number of each row, the first of equal ones.
//
// p (N, K) → (N).
func Argmax[T float32 | float64](p []T, k int) []int32 {
	best := make([]int32, len(p)/k)
	for i := range best {
		row := p[i*k : (i+1)*k]
		for j, v := range row {
			if v > row[best[i]] {
				best[i] = int32(j)
			}
		}
	}
	return best
}
