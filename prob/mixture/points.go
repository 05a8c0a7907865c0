package mixture

import (
	"fmt"
	"iter"
	"math"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

const (
	chunkRows = 256 // the number of points that are processed at a time, so that they stay in the cache
	// lanes is the number of parts that the points are divided into, whatever the number of processors: each lane has
	// its own sums, and the lanes are added in order, so results do not depend on the processors.
	lanes = 16
)

// points are N points of D dimensions.
type points struct {
	x    []float32 // (N,D)
	n, d int
}

// newPoints returns the points of x, or an error if x is not a matrix of d columns or a number is not finite.
func newPoints(x []float32, d int) (points, error) {
	if d < 1 || len(x)%d != 0 {
		return points{}, fmt.Errorf("mixture: %d numbers are not a number of points of dimension %d", len(x), d)
	}
	for i, v := range x {
		if v-v != 0 {
			return points{}, fmt.Errorf("mixture: point %d is %v in dimension %d", i/d, v, i%d)
		}
	}
	return points{x, len(x) / d, d}, nil
}

// A chunk is n consecutive points; first is the index of its first point.
type chunk struct {
	x        []float32 // (n,D)
	first, n int
}

// chunks returns the chunks of one lane: chunk number lane, lane + lanes, lane + 2·lanes, …
func (p points) chunks(lane int) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		for first := lane * chunkRows; first < p.n; first += lanes * chunkRows {
			n := min(chunkRows, p.n-first)
			if !yield(chunk{p.x[first*p.d : (first+n)*p.d], first, n}) {
				return
			}
		}
	}
}

// forEachLane calls f for each lane. Several calls run at once.
func (p points) forEachLane(f func(lane int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), lanes) {
		wg.Go(func() {
			for lane := range next {
				f(lane)
			}
		})
	}
	for lane := range lanes {
		next <- lane
	}
	close(next)
	wg.Wait()
}

// scratch holds the intermediate results for one chunk.
type scratch struct {
	centred, whitened []float64 // x − μ and P(x − μ), (n,D)
	resp              []float64 // responsibilities (n,K)
	logp              []float64 // ln p(x) (n)
}

// eStep computes the responsibilities of a chunk into s.resp (the E step of EM), and returns ln p(x) of its points.
func (s *scratch) eStep(f *cholesky, c chunk) []float64 {
	d := f.Dim
	s.centred, s.whitened = grow(s.centred, c.n*d), grow(s.whitened, c.n*d)
	s.resp, s.logp = grow(s.resp, c.n*f.k), grow(s.logp, c.n)
	for k := range f.k {
		s.center(c, f.means[k])
		if f.Full { // rows times Pᵀ
			blas64.Gemm(blas.NoTrans, blas.Trans, 1, matrix(s.centred, c.n, d), matrix(f.prec[k], d, d), 0, matrix(s.whitened, c.n, d))
		} else {
			for i := range s.centred {
				s.whitened[i] = s.centred[i] * f.prec[k][i%d]
			}
		}
		for i := range c.n {
			sum := 0.0
			for _, v := range s.whitened[i*d : (i+1)*d] {
				sum += v * v
			}
			s.resp[i*f.k+k] = f.logs[k] - 0.5*sum
		}
	}
	for i := range c.n {
		s.logp[i] = softmax(s.resp[i*f.k : (i+1)*f.k])
	}
	return s.logp
}

// center computes x − mean of a chunk into s.centred.
func (s *scratch) center(c chunk, mean []float64) {
	d := len(mean)
	s.centred = grow(s.centred, c.n*d)
	for i := range c.n {
		row := s.centred[i*d : (i+1)*d]
		for j, v := range c.x[i*d : (i+1)*d] {
			row[j] = float64(v) - mean[j]
		}
	}
}

// softmax replaces logits by their softmax in place, and returns ln Σ eˡ of the logits.
func softmax(logits []float64) float64 {
	largest := math.Inf(-1)
	for _, l := range logits {
		largest = max(largest, l)
	}
	sum := 0.0
	for k, l := range logits {
		logits[k] = math.Exp(l - largest)
		sum += logits[k]
	}
	for k := range logits {
		logits[k] /= sum
	}
	return largest + math.Log(sum)
}

// matrix returns data as a row-major matrix for blas64.
func matrix(data []float64, rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// grow returns a slice of n elements with any values, s itself if its capacity suffices.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
