package cpu

import (
	"math"

	"github.com/imago-ml/imago/engine/backend"
)

// runChecked runs the program level by level on one thread and returns a *backend.NonFiniteError for the first value that
// is not finite. The program has a stage for every node, and no updates.
func (p *program) runChecked() error {
	w := p.be.pool.workers[0]
	for n := range p.levels {
		l := &p.levels[n]
		l.reset()
		for k := range l.queues {
			l.queues[k].runTasks(w)
		}
		for _, s := range l.stages {
			for _, b := range s.writes {
				for i, v := range b.data {
					if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
						return &backend.NonFiniteError{Func: p.name, Op: s.node.op, Layer: s.node.layer, Value: f, At: i, Shape: s.node.shape}
					}
				}
			}
		}
	}
	return nil
}
