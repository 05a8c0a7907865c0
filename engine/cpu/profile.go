package cpu

import (
	"cmp"
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
)

var _ backend.Profiler = (*program)(nil)

// counters are the measurements of a stage, summed over all threads.
type counters struct {
	calls, nanos atomic.Int64
}

// Profile turns the measurement on or off. Turning it on clears earlier measurements.
func (p *program) Profile(on bool) {
	p.be.mu.Lock()
	defer p.be.mu.Unlock()
	p.measured = on
	if !on {
		return
	}
	for _, r := range p.stageRuns() {
		for _, s := range r.copies {
			s.measured.calls.Store(0)
			s.measured.nanos.Store(0)
		}
	}
}

// Kernels returns the stages in the order of their levels, with their measurements.
func (p *program) Kernels() []backend.Kernel {
	var all []backend.Kernel
	for _, r := range p.stageRuns() {
		s := r.copies[0]
		k := backend.Kernel{
			Name: s.name, Layer: s.node.layer, Shape: s.node.shape, Fused: s.fused,
			MatFlops: s.matFlops * r.times, Flops: (s.matFlops + s.flops) * r.times, Executed: cmp.Or(s.executed, s.matFlops) * r.times,
		}
		for _, c := range r.copies {
			k.Calls += c.measured.calls.Load()
			k.Time += time.Duration(c.measured.nanos.Load())
		}
		counted := map[*buffer]bool{}
		for _, bs := range [][]*buffer{s.reads, s.writes} {
			for _, b := range bs {
				if !counted[b] {
					counted[b] = true
					k.Bytes += 4 * int64(b.size) * r.times
				}
			}
		}
		all = append(all, k)
	}
	return all
}

// stageRuns is a stage: its copies, one for each worker if it belongs to a region, and how often a run executes it.
type stageRuns struct {
	copies []*stage
	times  int64
}

// stageRuns returns the stages by level. The stages of the body of a region replace the stage that runs it.
func (p *program) stageRuns() []stageRuns {
	var all []stageRuns
	for i := range p.levels {
		for _, s := range p.levels[i].stages {
			if s.shards == nil {
				all = append(all, stageRuns{[]*stage{s}, 1})
				continue
			}
			all = append(all, s.shards.stageRuns()...)
		}
	}
	return all
}

// stageRuns returns the stages of the bodies.
func (sh *shardRunner) stageRuns() []stageRuns {
	var all []stageRuns
	for size, times := range [2]int64{int64(sh.batch / sh.shard), 1} {
		if sh.bodies[0][size] == nil {
			continue
		}
		for i := range sh.bodies[0][size].stages {
			r := stageRuns{times: times}
			for _, b := range sh.bodies {
				r.copies = append(r.copies, b[size].stages[i])
			}
			all = append(all, r)
		}
	}
	return all
}

// runTimed executes a task and adds its time to the counters of the stage.
func (s *stage) runTimed(w *worker, task int) {
	start := time.Now()
	s.run(w, task)
	s.measured.nanos.Add(int64(time.Since(start)))
	s.measured.calls.Add(1)
}

// matFlops returns the number of floating-point operations of a matrix product or convolution: two for each product that is
// added, also of taps outside the image. It returns 0 for other primitives.
func matFlops(n *graph.Node) int64 {
	var y, w graph.Shape
	switch n.Op() {
	case graph.OpMatMul:
		a := n.In()[0].Shape()
		k := a[len(a)-1]
		if n.Attr().TransA {
			k = a[len(a)-2]
		}
		return 2 * int64(k) * int64(n.Shape().Size())
	case graph.OpConv2D:
		y, w = n.Shape(), n.In()[1].Shape()
	case graph.OpConv2DInputGrad:
		y, w = n.In()[0].Shape(), n.In()[1].Shape()
	case graph.OpConv2DFilterGrad:
		y, w = n.In()[1].Shape(), n.Shape()
	default:
		return 0
	}
	return 2 * int64(y[:3].Size()) * int64(w.Size())
}
