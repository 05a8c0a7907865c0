package cli

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// A benchTiming is what one program took.
type benchTiming struct {
	Recipe  string `json:"recipe"`
	Loss    string `json:"loss,omitempty"` // of a training step
	Program string `json:"program"`        // train, decode or manifold
	Image   string `json:"image"`          // rows, columns and channels
	Images  int    `json:"images"`         // a run
	Runs    int    `json:"runs"`

	First  float64 `json:"first_ms"` // from the start of the process, or of this timing, to the end of the first run
	Median float64 `json:"median_ms"`
	Least  float64 `json:"least_ms"`
	Rate   float64 `json:"images_per_s"` // at the median
	Allocs float64 `json:"allocs_per_run"`
	Noise  *noise  `json:"noise,omitempty"`

	// The work of a run. It is known if the program is a backend.Profiler.
	MatFlops int64    `json:"mat_flops,omitempty"`           // of matrix products and convolutions, by their definitions
	Executed int64    `json:"executed_flops,omitempty"`      // for them
	GFlops   float64  `json:"gflop_per_s,omitempty"`         // Executed at the median
	Defined  float64  `json:"defined_gflop_per_s,omitempty"` // MatFlops at the median
	Share    float64  `json:"share_of_peak,omitempty"`       // GFlops of the machine's multiply-adds, if that was measured
	Bytes    int64    `json:"bytes,omitempty"`               // operands and results of the kernels
	GBytes   float64  `json:"gb_per_s,omitempty"`            // Bytes at the median
	Profile  *profile `json:"profile,omitempty"`
}

// warmUp is the time that a program runs before it is timed, so that each thread gets a processor of its own and the
// processors reach their clock rate.
const warmUp = 500 * time.Millisecond

// The time that runs take together, and the limits of their number, if the user gives no number of runs.
const (
	minDuration = 2 * time.Second
	minRuns     = 5
	maxRuns     = 1000
)

// A bencher times the programs of one model.
type bencher struct {
	ctx       context.Context
	be        backend.Backend
	model     *model.Model
	steps     int       // runs that are timed; 0 means as many as take minDuration
	startedAt time.Time // of the process; zero counts First from the beginning of the timing
	profiled  bool
	peak      capacity // of the machine on the backend's threads, zero if it was not measured
	threads   int
}

// build returns the function of a program; nil if the model has no such program.
func (b *bencher) build(t *benchTiming) (*graph.Func, error) {
	switch {
	case t.Program == programTrain:
		return b.model.Last().Step(t.Images)
	case b.model.Decode == nil:
		return nil, nil
	}
	return b.model.Decode(t.Images)
}

// A benchProgram is a compiled function with its operands.
type benchProgram struct {
	ctx  context.Context
	call *exec.Call
}

// compile returns f over the model's initial parameters and slots, its operands filled.
func (b *bencher) compile(f *graph.Func) (*benchProgram, error) {
	r := exec.New(b.be, nil)
	if err := r.SetAll(nn.InitialValues(b.model.Params, rng.New(1).Split("init")), optim.InitialValues(b.model.Slots)); err != nil {
		return nil, err
	}
	p, err := r.Compile(f)
	if err != nil {
		return nil, err
	}
	c := p.NewCall()
	fillOperands(c)
	return &benchProgram{b.ctx, c}, nil
}

// timeRun executes the function once and returns how long that took, in ms.
func (p *benchProgram) timeRun() (float64, error) {
	start := time.Now()
	if err := errors.Join(p.ctx.Err(), p.call.Run()); err != nil {
		return 0, err
	}
	return time.Since(start).Seconds() * 1e3, nil
}

// timeRuns executes p n times, or for minDuration if n is 0, and returns the times in rising order.
func (p *benchProgram) timeRuns(n int) ([]float64, error) {
	most := n
	if n == 0 {
		most = maxRuns
	}
	ms := make([]float64, 0, most)
	for start := time.Now(); len(ms) < most; {
		if n == 0 && len(ms) >= minRuns && time.Since(start) >= minDuration {
			break
		}
		took, err := p.timeRun()
		if err != nil {
			return nil, err
		}
		ms = append(ms, took)
	}
	slices.Sort(ms)
	return ms, nil
}

// measure fills in t, and reports whether the model has such a program.
func (b *bencher) measure(t *benchTiming) (bool, error) {
	start := b.startedAt
	if start.IsZero() {
		start = time.Now()
	}
	f, err := b.build(t)
	if err != nil || f == nil {
		return false, err
	}
	p, err := b.compile(f)
	if err != nil {
		return false, err
	}
	_, err = p.timeRun()
	t.First = time.Since(start).Seconds() * 1e3
	for start := time.Now(); time.Since(start) < warmUp && err == nil; {
		_, err = p.timeRun()
	}
	if err != nil {
		return false, err
	}
	quiet := readLoad()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ms, err := p.timeRuns(b.steps)
	if err != nil {
		return false, err
	}
	runtime.ReadMemStats(&after)
	t.Noise = quiet.since(0)
	t.Runs, t.Median, t.Least = len(ms), median(ms), ms[0]
	t.Rate = float64(t.Images) / t.Median * 1e3
	t.Allocs = float64(after.Mallocs-before.Mallocs) / float64(t.Runs)
	b.addWork(t, p)
	if b.profiled {
		t.Profile, err = b.profile(p)
	}
	return true, err
}

// addWork fills in the operations and the bytes of the kernels of p.
func (b *bencher) addWork(t *benchTiming, p *benchProgram) {
	for _, k := range p.kernels() {
		t.MatFlops += k.MatFlops
		t.Executed += k.Executed
		t.Bytes += k.Bytes
	}
	rate := 1e-6 / t.Median // from a count in a run to 10⁹ per second
	t.GFlops, t.Defined, t.GBytes = float64(t.Executed)*rate, float64(t.MatFlops)*rate, float64(t.Bytes)*rate
	if b.peak.FMA > 0 {
		t.Share = t.GFlops / b.peak.FMA
	}
}

// kernels returns the kernels of the program, or nil if the device does not measure them.
func (p *benchProgram) kernels() []backend.Kernel {
	if pr, ok := p.call.Program().Profiler(); ok {
		return pr.Kernels()
	}
	return nil
}

// median returns the median of one or more values in rising order.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[n/2] + sorted[(n-1)/2]) / 2
}

// fillOperands fills the operands of c by their names: images and codes with random numbers, weights with 1.
func fillOperands(c *exec.Call) {
	for _, s := range c.Program().Inputs() {
		t, key := c.Input(s.Name), rng.New(1).Split(s.Name)
		switch s.Name {
		case model.InputX:
			key.Uniform(t.F32())
		case model.InputZ:
			key.Normal(t.F32())
		case model.InputWeight:
			for j := range t.F32() {
				t.F32()[j] = 1
			}
		case model.InputLR:
			t.F32()[0] = 1e-3
		case model.InputKey:
			words := key.Words()
			copy(t.I32(), words[:])
		}
	}
}
