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
	chunkRows = 256 // points that are worked on at a time, while they are in cache
	lanes     = 16  // parts that the points are dealt to, whatever the processors: they fix the order of sums
)

// points are N points of D dimensions.
type points struct {
	x    []float32 // (N,D)
	n, d int
}

func newPoints(x []float32, d int) (points, error) {
	if d < 1 || len(x)%d != 0 {
		return points{}, fmt.Errorf("mixture: %d numbers are no points of dimension %d", len(x), d)
	}
	for i, v := range x {
		if v-v != 0 {
			return points{}, fmt.Errorf("mixture: point %d is %v in dimension %d", i/d, v, i%d)
		}
	}
	return points{x, len(x) / d, d}, nil
}

// A chunk is n points in order from the first.
type chunk struct {
	x        []float32 // (n,D)
	first, n int
}

// chunks returns those of one part of the lanes.
func (p points) chunks(part int) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		for first := part * chunkRows; first < p.n; first += lanes * chunkRows {
			n := min(chunkRows, p.n-first)
			if !yield(chunk{p.x[first*p.d : (first+n)*p.d], first, n}) {
				return
			}
		}
	}
}

// parts runs f for each lane, several at once.
func (p points) parts(f func(part int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), lanes) {
		wg.Go(func() {
			for part := range next {
				f(part)
			}
		})
	}
	for part := range lanes {
		next <- part
	}
	close(next)
	wg.Wait()
}

// scratch is the memory of the work on one chunk.
type scratch struct {
	diff, white []float64 // (n,D)
	resp        []float64 // (n,K)
	logp        []float64 // (n)
}

// expect leaves the responsibilities of a chunk in s.resp, and gives ln p(x).
func (s *scratch) expect(f *factored, c chunk) []float64 {
	d := f.Dim
	s.diff, s.white = grow(s.diff, c.n*d), grow(s.white, c.n*d)
	s.resp, s.logp = grow(s.resp, c.n*f.k), grow(s.logp, c.n)
	for k := range f.k {
		s.center(c, f.means[k])
		if f.Full { // rows times Pᵀ
			blas64.Gemm(blas.NoTrans, blas.Trans, 1, matrix(s.diff, c.n, d), matrix(f.prec[k], d, d), 0, matrix(s.white, c.n, d))
		} else {
			for i := range s.diff {
				s.white[i] = s.diff[i] * f.prec[k][i%d]
			}
		}
		for i := range c.n {
			sum := 0.0
			for _, v := range s.white[i*d : (i+1)*d] {
				sum += v * v
			}
			s.resp[i*f.k+k] = f.logs[k] - 0.5*sum
		}
	}
	for i := range c.n {
		s.logp[i] = normalise(s.resp[i*f.k : (i+1)*f.k])
	}
	return s.logp
}

// center leaves x − mean in s.diff.
func (s *scratch) center(c chunk, mean []float64) {
	d := len(mean)
	s.diff = grow(s.diff, c.n*d)
	for i := range c.n {
		row := s.diff[i*d : (i+1)*d]
		for j, v := range c.x[i*d : (i+1)*d] {
			row[j] = float64(v) - mean[j]
		}
	}
}

// normalise turns logarithms into shares of their sum, and gives its logarithm.
func normalise(logs []float64) float64 {
	top := math.Inf(-1)
	for _, l := range logs {
		top = max(top, l)
	}
	sum := 0.0
	for k, l := range logs {
		logs[k] = math.Exp(l - top)
		sum += logs[k]
	}
	for k := range logs {
		logs[k] /= sum
	}
	return top + math.Log(sum)
}

func matrix(data []float64, rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// grow returns s with n elements of any value.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
