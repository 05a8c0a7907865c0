package cpu

import (
	"fmt"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/cpuid"
)

// Random numbers equal those of the interpreter, with one task and with several, for sizes that are not multiples of a block.
func TestRandomNumbers(t *testing.T) {
	cpuid.EachImpl(t, "cpu", func(t *testing.T) {
		for _, n := range []int{1, 31, 70, 2*drawFloats + 3, 20*drawFloats + 42} {
			key := graph.Input("key", tensor.Int32, 4)
			f, err := graph.NewFunc(fmt.Sprintf("draw %d", n), []*graph.Node{key}, []graph.Output{
				{Name: "u", Value: graph.Uniform(key, "u", n)},
				{Name: "n", Value: graph.Normal(key, "n", n)},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			graphtest.Agree(t, newTest(t, 2), f, graphtest.RandomEnv(rng.New(uint64(n)), f), tol)
		}
	})
}
