package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/english"
)

// A profile is the time of each kernel of a program, in the order in which they run. Times are of one run, summed
// over all threads and divided by their number: if no thread is idle, they sum up to the time of the run.
type profile struct {
	Runs    int             `json:"runs"`
	Wall    float64         `json:"ms"`      // of a run while it is profiled, the mean
	Rest    float64         `json:"rest_ms"` // waiting for other threads, dispatching work, copying operands
	Noise   *noise          `json:"noise,omitempty"`
	Peak    capacity        `json:"-"` // of the machine, zero if unknown
	Kernels []kernelProfile `json:"kernels"`
}

// A kernelProfile is the time and the work of one kernel in a run.
type kernelProfile struct {
	Name     string   `json:"name"`
	Layer    string   `json:"layer,omitempty"`
	Shape    []int    `json:"shape"` // of its main result
	Fused    []string `json:"fused"`
	Time     float64  `json:"ms"`
	Portion  float64  `json:"share_of_run"`
	Flops    int64    `json:"flops"`
	MatFlops int64    `json:"mat_flops"`
	Executed int64    `json:"executed_flops"`           // for MatFlops
	GFlops   float64  `json:"gflop_per_s"`              // of Executed, or of all operations if it has none
	Share    float64  `json:"share_of_peak,omitempty"`  // GFlops of the machine's multiply-adds
	Bound    string   `json:"bound,omitempty"`          // what it cannot be faster than: "arithmetic", or a level of the memory
	OfBound  float64  `json:"share_of_bound,omitempty"` // the least time by the bound, of Time
	Bytes    int64    `json:"bytes"`
	GBytes   float64  `json:"gb_per_s"`
	Calls    float64  `json:"tasks"` // pieces of work in a run
}

// profile returns the time of each kernel of p, measured over as many runs as a timing, or nil if the device does not
// measure.
func (b *bencher) profile(p *benchProgram) (*profile, error) {
	measured, ok := p.call.Program().Profiler()
	if !ok {
		return nil, nil
	}
	measured.Profile(true)
	defer measured.Profile(false)
	quiet := readLoad()
	ms, err := p.timeRuns(b.steps)
	if err != nil {
		return nil, err
	}
	disturbed := quiet.since(0)
	var wall float64
	for _, m := range ms {
		wall += m / float64(len(ms))
	}
	pr := newProfile(p.kernels(), len(ms), b.threads, wall, b.peak)
	pr.Noise = disturbed
	return pr, nil
}

// newProfile returns the profile of kernels that were measured over so many runs of wall ms each.
func newProfile(kernels []backend.Kernel, runs, threads int, wall float64, peak capacity) *profile {
	pr := &profile{Runs: runs, Wall: wall, Rest: wall, Peak: peak}
	for _, k := range kernels {
		t := k.Time.Seconds() * 1e3 / float64(runs*threads)
		kp := kernelProfile{
			Name: k.Name, Layer: k.Layer, Shape: k.Shape, Fused: k.Fused, Time: t, Portion: t / wall,
			Flops: k.Flops, MatFlops: k.MatFlops, Executed: k.Executed, Bytes: k.Bytes, Calls: float64(k.Calls) / float64(runs),
		}
		if t > 0 {
			flops := cmp.Or(k.Executed, k.Flops)
			kp.GFlops, kp.GBytes = float64(flops)/t*1e-6, float64(k.Bytes)/t*1e-6
			if peak.FMA > 0 {
				kp.Share = kp.GFlops / peak.FMA
				var least float64
				kp.Bound, least = peak.bound(float64(flops), float64(k.Bytes))
				kp.OfBound = least / t
			}
		}
		pr.Kernels = append(pr.Kernels, kp)
		pr.Rest -= t
	}
	return pr
}

const (
	// barWidth is the number of characters of the bar of a kernel that takes all the time.
	barWidth = 20
	// minRowShare is the part of the time of all kernels from which on a kernel has a row of its own.
	minRowShare = 0.005
)

// write prints the profile as a table: the slowest kernels first, each with a bar, the small ones together in one
// row, then their sum and the rest of the time.
func (pr *profile) write(w io.Writer, markdown bool) error {
	t := table{header: []string{"kernel", "layer", "result", "ms", "% time", "", "MFLOP", "GFLOP/s", "% peak", "MB", "GB/s", "bound", "% bound", "tasks", "fused"}}
	row := func(k kernelProfile, fused string) {
		t.add(k.Name, k.Layer, shapeText(k.Shape), ms(k.Time), percent(k.Portion), strings.Repeat("#", int(max(0, k.Portion)*barWidth+0.5)), short(float64(k.Flops)/1e6),
			short(k.GFlops), percent(k.Share), short(float64(k.Bytes)/1e6), short(k.GBytes), k.Bound, percent(k.OfBound), short(k.Calls), fused)
	}
	var all, small kernelProfile
	n := 0
	sorted := slices.SortedStableFunc(slices.Values(pr.Kernels), func(a, b kernelProfile) int { return cmp.Compare(b.Time, a.Time) })
	for _, k := range sorted {
		all.add(k)
	}
	for _, k := range sorted {
		if k.Time < minRowShare*all.Time {
			small.add(k)
			n++
			continue
		}
		row(k, runLengths(k.Fused))
	}
	if n > 0 {
		small.Name = english.Plural(n, "smaller one")
		row(small, "")
	}
	whole := all // with the rates of matrix products only
	all.Name = "all kernels"
	row(all, "")
	rest := "waiting, dispatch, operands in and out"
	if s := pr.Noise.String(); s != "" {
		rest += "; noise: " + s
	}
	row(kernelProfile{Name: "rest", Time: pr.Rest, Portion: pr.Rest / pr.Wall}, rest)
	whole.Name, whole.Time, whole.Portion = "a run", pr.Wall, 1
	whole.GFlops, whole.GBytes = float64(all.Executed)/pr.Wall*1e-6, float64(all.Bytes)/pr.Wall*1e-6
	if pr.Peak.FMA > 0 {
		whole.Share = whole.GFlops / pr.Peak.FMA
	}
	row(whole, "GFLOP/s of products and convolutions only")
	return t.write(w, markdown)
}

// add adds the time and the work of o; rates are not added.
func (k *kernelProfile) add(o kernelProfile) {
	k.Time += o.Time
	k.Portion += o.Portion
	k.Flops += o.Flops
	k.MatFlops += o.MatFlops
	k.Executed += o.Executed
	k.Bytes += o.Bytes
	k.Calls += o.Calls
}

// runLengths formats words, with a count for a word that is repeated: add, mul×3, add.
func runLengths(words []string) string {
	var parts []string
	for i := 0; i < len(words); {
		n := 1
		for i+n < len(words) && words[i+n] == words[i] {
			n++
		}
		parts = append(parts, words[i])
		if n > 1 {
			parts[len(parts)-1] += fmt.Sprintf("×%d", n)
		}
		i += n
	}
	return strings.Join(parts, " ")
}

// shapeText formats a shape as 128x14x14x32.
func shapeText(shape []int) string {
	var parts []string
	for _, n := range shape {
		parts = append(parts, fmt.Sprint(n))
	}
	return strings.Join(parts, "x")
}
