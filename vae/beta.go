package vae

import (
	"strconv"

	"github.com/imago-ml/imago/graph"
)

// beta weighs the KL; 1 is the evidence bound itself.
type beta float64

// penalty is β·KL(q(z|x) ‖ N(0, I)): Higgins et al. 2017, eq. 4.
func (v beta) penalty(q posterior) *graph.Node { return graph.Scale(q.kl, float64(v)) }

func (v beta) formula() string {
	return strconv.FormatFloat(float64(v), 'g', -1, 64) + "·KL(q(z|x) ‖ N(0, I))"
}
