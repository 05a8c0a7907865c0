package cpu

import (
	"math"

	"github.com/imago-ml/imago/engine/backend"
)

// runChecked runs the program level by level on one thread and stops after the
// first value that is not finite. It was compiled with a stage for every node
// and without updates.
func (p *program) runChecked() error {
	w := p.be.pool.workers[0]
	for i := range p.levels {
		l := &p.levels[i]
		l.reset()
		for k := range l.queues {
			l.queues[k].runTasks(w)
		}
		for _, s := range l.stages {
			for _, b := range s.writes {
				for at, v := range b.data {
					if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
						return &backend.NonFiniteError{Func: p.name, Op: s.node.op, Layer: s.node.layer, Value: f, At: at, Shape: s.node.shape}
					}
				}
			}
		}
	}
	return nil
}
