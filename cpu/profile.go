package cpu

import (
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/graph"
)

var _ backend.Profiler = (*program)(nil)

// counters are what is measured of a stage, by all threads together.
type counters struct {
	calls, nanos atomic.Int64
}

// Profile turns measuring on or off; turning it on clears what was measured.
func (p *program) Profile(on bool) {
	p.be.mu.Lock()
	defer p.be.mu.Unlock()
	p.measured = on
	if on {
		for _, s := range p.stages() {
			s.spent.calls.Store(0)
			s.spent.nanos.Store(0)
		}
	}
}

// Kernels lists the stages in the order of their levels.
func (p *program) Kernels() []backend.Kernel {
	var all []backend.Kernel
	for _, s := range p.stages() {
		k := backend.Kernel{
			Name: s.name, Layer: s.node.layer, Shape: s.node.shape, Fused: s.fused,
			MatFlops: s.matFlops, Flops: s.matFlops + s.flops,
			Calls: s.spent.calls.Load(), Time: time.Duration(s.spent.nanos.Load()),
		}
		seen := map[*buffer]bool{}
		for _, bs := range [][]*buffer{s.reads, s.writes} {
			for _, b := range bs {
				if !seen[b] {
					seen[b] = true
					k.Bytes += 4 * int64(b.size)
				}
			}
		}
		all = append(all, k)
	}
	return all
}

func (p *program) stages() []*stage {
	var all []*stage
	for i := range p.levels {
		all = append(all, p.levels[i].stage...)
	}
	return all
}

// timed executes a task and adds its time to the stage's.
func (s *stage) timed(w *worker, task int) {
	start := time.Now()
	s.do(w, task)
	s.spent.nanos.Add(int64(time.Since(start)))
	s.spent.calls.Add(1)
}

// matFlops is the floating-point operations of an anchor, two for each product
// that is added; taps outside the image count.
func matFlops(n *graph.Node) int64 {
	var y, w graph.Shape
	switch n.Op() {
	case graph.OpMatMul:
		a := n.In()[0].Shape()
		k := a[1]
		if n.Attr().TransA {
			k = a[0]
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
