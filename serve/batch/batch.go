// Package batch runs one function of a model for many callers at once. Rows of callers who come
// while a batch runs are put together, and go as the next batch; nobody waits for company. So a
// caller alone is answered as fast as the device can, and many are answered together.
//
//	q, err := batch.New(runner, m.Decode, batch.Options{})
//	out, err := q.Run(ctx, 3, batch.Rows{"z": codes}) // (3, Z) → "image" (3, H, W, C)
//
// A batch is run by a program of 1, 2, 4, … or 64 rows, which is compiled when it is first needed: the least
// that is enough, or a smaller one that takes less time for a row, as a Queue has measured (a large batch of
// a convolutional model does not fit into the caches). Programs of different sizes may add in another order: so the bits of a
// row could depend on how many came with it. A Queue does not let this happen. It compares each
// program, when it is compiled, with that of the largest size on random rows, at several places and
// beside empty rows, and uses it only if all results have the same bits; the next larger one is taken
// otherwise. (Of a small convolutional model, 1 and 2 rows are multiplied in another order than 4
// and more.) If even one program gives a row other bits in another place, rows are run one by one.
//
// What a row's result is does not depend on the other rows, then. The package knows no model; it
// runs functions whose inputs and outputs are float32 and have the batch as their first axis.
package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// N rows, in every comment of this package.

// Rows are N rows of values for each input or output, by its name.
type Rows map[string][]float32

// Options are the settings of a Queue. The zero value is meant to be used.
type Options struct {
	Most    int  // rows of a batch; 0 = 64. It is rounded down to a power of two.
	Waiting int  // rows that may wait while a batch runs, beyond which Run fails with ErrFull; 0 = 4096
	Alone   bool // each caller has batches of its own
	// Observe is called after each batch with its rows, the size of its program, and how long it
	// ran. It may be nil.
	Observe func(rows, size int, took time.Duration)
}

// ErrFull marks rows that are not run because too many are waiting. Test with errors.Is.
var ErrFull = errors.New("too many rows are waiting")

// A Queue runs one function. Its methods are safe for concurrent use.
type Queue struct {
	f             *exec.Func
	build         func(batch int) (*graph.Func, error)
	runner        *exec.Runner
	opt           Options
	name          string
	inputs, wants []backend.Spec // of the largest program; wants lacks what the Queue fills by itself
	outputs       []backend.Spec

	// Of who leads, one at a time:
	most      int
	probe     Rows // random rows, most of them
	reference Rows // their results
	checked   map[int]bool
	took      map[int]time.Duration // the least time of each size
	runs      map[int]int
	fixed     bool // programs are taken by size and not by time, in tests

	mu      sync.Mutex
	leading bool // a batch is being run, or who runs it has been woken
	waiting []*job
	rows    int // of waiting
	bytes   int64
}

// weight is the input that is 1 for a row, and 0 for what fills up a short batch.
const weight = "weight"

// A job is the rows of one caller.
type job struct {
	n, at   int // rows in all, and those that have been taken
	in, out Rows
	err     error
	given   bool // up: its caller has gone
	leads   bool // it has been woken to run the next batch
	woken   chan struct{}
	done    bool
}

// New returns a queue for the function that build makes for batches of a size. It compiles the
// largest program and that of one row. It fails if the function takes a random key or another
// operand that is no row, or if the memory budget has no room for it.
func New(r *exec.Runner, build func(batch int) (*graph.Func, error), opt Options) (*Queue, error) {
	if opt.Most <= 0 {
		opt.Most = 64
	}
	if opt.Waiting <= 0 {
		opt.Waiting = 4096
	}
	q := &Queue{f: r.Func(build), build: build, runner: r, opt: opt, most: 1, checked: map[int]bool{}, took: map[int]time.Duration{}, runs: map[int]int{}}
	for 2*q.most <= opt.Most {
		q.most *= 2
	}
	p, err := q.compile(q.most)
	if err != nil {
		return nil, err
	}
	q.name = p.Name()
	q.inputs, q.outputs = p.Inputs(), p.Outputs()
	for _, s := range slices.Concat(q.inputs, q.outputs) {
		if s.DType != tensor.Float32 || len(s.Shape) == 0 || s.Shape[0] != q.most {
			return nil, fmt.Errorf("batch: %s: %v: want float32 and a row for each of %d", q.name, s, q.most)
		}
	}
	for _, s := range q.inputs {
		if s.Name != weight {
			q.wants = append(q.wants, s)
		}
	}
	if err := q.refer(p); err != nil {
		return nil, err
	}
	_, err = q.program(1)
	return q, err
}

// Most returns how many rows are run at a time at most.
func (q *Queue) Most() int { return q.most }

// Width returns the number of values of a row of an input or output, 0 if there is none of that name.
func (q *Queue) Width(name string) int {
	for _, s := range slices.Concat(q.wants, q.outputs) {
		if s.Name == name {
			return width(s)
		}
	}
	return 0
}

// Bytes returns the memory that the programs take which have been compiled.
func (q *Queue) Bytes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// Waiting returns the rows that wait.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rows
}

func width(s backend.Spec) int { return s.Shape.Size() / s.Shape[0] }

// Run returns the results of n rows, which have the same bits whatever else is run. in must not be
// changed before Run returns. It fails with ErrFull if too many rows wait, and with the cause of ctx if
// that ends before the rows have been run.
func (q *Queue) Run(ctx context.Context, n int, in Rows) (Rows, error) {
	for _, s := range q.wants {
		if have, want := len(in[s.Name]), n*width(s); have != want {
			return nil, fmt.Errorf("batch: %s: input %s is given %d values for %d rows, want %d", q.name, s.Name, have, n, want)
		}
	}
	j := &job{n: n, in: in, out: make(Rows, len(q.outputs)), woken: make(chan struct{}, 1)}
	for _, s := range q.outputs {
		if err := memory.Check(4*int64(n)*int64(width(s)), "the %s of %d rows", s.Name, n); err != nil {
			return nil, err
		}
		j.out[s.Name] = make([]float32, n*width(s))
	}
	if n == 0 {
		return j.out, nil
	}
	q.mu.Lock()
	if q.leading && q.rows+n > q.opt.Waiting {
		q.mu.Unlock()
		return nil, fmt.Errorf("batch: %s: %w: %d", q.name, ErrFull, q.rows)
	}
	q.waiting, q.rows = append(q.waiting, j), q.rows+n
	leads := !q.leading
	q.leading = true
	q.mu.Unlock()
	if leads {
		q.lead()
	}
	ended := ctx.Done()
	for {
		select {
		case <-j.woken:
			if j.done {
				return j.out, j.err
			}
			q.lead()
		case <-ended:
			if q.withdraw(j) {
				return nil, context.Cause(ctx)
			}
			ended = nil // its rows are in the batch that runs
		}
	}
}

// withdraw takes a job out of those that wait. It returns false if a batch has rows of it: then the
// caller is woken when that has been run.
func (q *Queue) withdraw(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, j)
	if at < 0 {
		j.given = true
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	q.rows -= j.n - j.at
	if j.leads {
		q.next()
	}
	return true
}

// next wakes who runs the next batch. The caller holds mu.
func (q *Queue) next() {
	q.leading = len(q.waiting) > 0
	if q.leading {
		j := q.waiting[0]
		j.leads = true
		j.woken <- struct{}{}
	}
}

// A piece is rows from … from+n−1 of a job, at a place of a batch.
type piece struct {
	j           *job
	from, n, at int
}

// take returns how many rows the next batch takes at most: the size of the program that costs the least for a row
// of those that wait. The rest goes with who comes next. It is allowed to depend on time measured, because all
// programs give the same bits. The caller leads, and holds mu.
func (q *Queue) take() int {
	rows := q.rows
	if q.opt.Alone && len(q.waiting) > 0 {
		rows = q.waiting[0].n - q.waiting[0].at
	}
	size := 1
	for size < rows && size < q.most {
		size *= 2
	}
	best, least := size, q.cost(size)/float64(min(rows, size))
	for s := size / 2; s > 0 && least > 0; s /= 2 {
		if c := q.cost(s) / float64(s); c > 0 && q.checked[s] && c < 0.95*least {
			best, least = s, c
		}
	}
	if _, known := q.checked[best/2]; best > 1 && !known && q.runs[best] >= tryAfter {
		return best / 2
	}
	return best
}

// tryAfter is how often a program is run before the one of half its size is tried.
const tryAfter = 16

// cost returns the least time that a program of a size took, 0 if it has not been run.
func (q *Queue) cost(size int) float64 {
	if q.fixed {
		return float64(size + 2)
	}
	return q.took[size].Seconds()
}

// measure notes how long a program of a size ran.
func (q *Queue) measure(size int, took time.Duration) {
	q.runs[size]++
	if least := q.took[size]; least == 0 || took < least {
		q.took[size] = max(1, took)
	}
}

// lead runs a batch of rows that wait, wakes those whose rows are done, and who leads next.
func (q *Queue) lead() {
	q.mu.Lock()
	var pieces []piece
	rows := 0
	most := q.take()
	for len(q.waiting) > 0 && rows < most && (rows == 0 || !q.opt.Alone) {
		j := q.waiting[0]
		n := min(j.n-j.at, most-rows)
		pieces = append(pieces, piece{j, j.at, n, rows})
		j.at, j.leads = j.at+n, false
		rows += n
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
	q.rows -= rows
	q.mu.Unlock()

	err := fmt.Errorf("batch: %s did not end", q.name) // by a panic
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, p := range pieces {
			j := p.j
			if err == nil && j.at < j.n && !j.given {
				q.waiting = append(q.waiting, j) // the others first
				continue
			}
			if j.at < j.n {
				q.rows -= j.n - j.at
				if err == nil {
					j.err = context.Canceled
				}
			}
			if err != nil {
				j.err = err
			}
			j.done = true
			j.woken <- struct{}{}
		}
		q.next()
	}()
	err = q.run(pieces, rows)
}

// run runs the rows of pieces.
func (q *Queue) run(pieces []piece, rows int) error {
	if rows == 0 {
		return nil
	}
	p, err := q.program(rows)
	if err != nil {
		return err
	}
	size := p.Inputs()[0].Shape[0]
	c := p.Acquire()
	defer p.Release(c)
	for _, s := range q.inputs {
		dst, w := c.Input(s.Name).F32(), width(s)
		for _, p := range pieces {
			if s.Name == weight {
				fill(dst[p.at*w:(p.at+p.n)*w], 1)
			} else {
				copy(dst[p.at*w:], p.j.in[s.Name][p.from*w:(p.from+p.n)*w])
			}
		}
		clear(dst[rows*w:])
	}
	began := time.Now()
	if err := c.Run(); err != nil {
		return err
	}
	took := time.Since(began)
	q.measure(size, took)
	for _, s := range q.outputs {
		src, w := c.Output(s.Name).F32(), width(s)
		for _, p := range pieces {
			copy(p.j.out[s.Name][p.from*w:(p.from+p.n)*w], src[p.at*w:])
		}
	}
	if q.opt.Observe != nil {
		q.opt.Observe(rows, size, took)
	}
	return nil
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}

// compile returns the program of a size, if there is memory for it.
func (q *Queue) compile(size int) (*exec.Program, error) {
	g, err := q.build(size)
	if err != nil {
		return nil, err
	}
	bytes, err := q.runner.Backend().Memory(g)
	if err != nil {
		return nil, err
	}
	if err := memory.Check(bytes, "%s for %d rows", g.Name, size); err != nil {
		return nil, err
	}
	p, err := q.f.Program(size)
	if err == nil {
		q.mu.Lock()
		q.bytes += bytes
		q.mu.Unlock()
	}
	return p, err
}

// program returns the least program that runs so many rows and gives the bits of the largest.
func (q *Queue) program(rows int) (*exec.Program, error) {
	for size := 1; size < q.most; size *= 2 {
		if size < rows {
			continue
		}
		alike, known := q.checked[size]
		if !known {
			p, err := q.compile(size)
			if err == nil {
				alike, err = q.agrees(p, size)
			}
			if err != nil {
				return nil, err
			}
			q.checked[size] = alike
		}
		if alike {
			return q.f.Program(size)
		}
	}
	return q.f.Program(q.most)
}

// refer draws the rows that programs are compared on, and runs the largest program on them. If that
// gives a row other bits in another place, rows are run one by one from then on.
func (q *Queue) refer(p *exec.Program) (err error) {
	q.probe = q.draw()
	if q.reference, err = q.results(p, q.most, q.probe, q.most); err != nil {
		return err
	}
	alike, err := q.agrees(p, q.most)
	if err != nil || alike {
		return err
	}
	if p, err = q.compile(1); err == nil {
		q.most = 1
		q.reference, err = q.results(p, 1, q.probe, 1)
	}
	return err
}

// draw returns random rows in [0, 1), a tenth of whose values are 0, as the background of pictures is.
func (q *Queue) draw() Rows {
	rows := Rows{}
	for _, s := range q.wants {
		values := make([]float32, s.Shape.Size())
		rng.New(1).Split(s.Name).Uniform(values)
		for i, v := range values {
			if v < 0.1 {
				values[i] = 0
			}
		}
		rows[s.Name] = values
	}
	return rows
}

// agrees reports whether a program gives the bits of the reference: to the first rows in their
// places, and to the last half of these in the first places, in the reverse order, beside empty rows.
func (q *Queue) agrees(p *exec.Program, size int) (bool, error) {
	same, err := q.results(p, size, q.probe, size)
	if err != nil {
		return false, err
	}
	half := (size + 1) / 2
	turned := Rows{}
	for _, s := range q.wants {
		turned[s.Name] = reversed(q.probe[s.Name], width(s), size, half)
	}
	other, err := q.results(p, size, turned, half)
	if err != nil {
		return false, err
	}
	for _, s := range q.outputs {
		want, w := q.reference[s.Name], width(s)
		if !slices.EqualFunc(same[s.Name], want[:size*w], sameValue) || !slices.EqualFunc(other[s.Name], reversed(want, w, size, half), sameValue) {
			return false, nil
		}
	}
	return true, nil
}

// sameValue reports whether two values are equal or both are NaN.
func sameValue(a, b float32) bool { return a == b || a != a && b != b }

// reversed returns the last n of the first rows, the last one first.
func reversed(values []float32, width, rows, n int) []float32 {
	var out []float32
	for i := range n {
		out = append(out, values[(rows-1-i)*width:(rows-i)*width]...)
	}
	return out
}

// results returns those of n rows, run by a program of a size.
func (q *Queue) results(p *exec.Program, size int, in Rows, n int) (Rows, error) {
	c := p.Acquire()
	defer p.Release(c)
	for _, s := range q.inputs {
		dst, w := c.Input(s.Name).F32(), width(s)
		clear(dst)
		if s.Name == weight {
			fill(dst[:n*w], 1)
		} else {
			copy(dst, in[s.Name][:n*w])
		}
	}
	began := time.Now()
	if err := c.Run(); err != nil {
		return nil, err
	}
	q.measure(size, time.Since(began))
	out := Rows{}
	for _, s := range q.outputs {
		out[s.Name] = slices.Clone(c.Output(s.Name).F32()[:n*width(s)])
	}
	return out, nil
}
