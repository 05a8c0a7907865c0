package sequence

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// Steps of training give the same bits with one thread and with two.
func TestThreadsDoNotChangeBits(t *testing.T) {
	for name, c := range models {
		m := newModel(t, c.config, c.item)
		var want map[string][]float32
		for threads := 1; threads <= 2; threads++ {
			got := trained(t, m, threads, inputs(c.item, 1))
			if want == nil {
				want = got
			}
			for state, v := range got {
				if !slices.Equal(v, want[state]) {
					t.Fatalf("%s: %s differs with %d threads", name, state, threads)
				}
			}
		}
	}
}

// trained returns all states after three steps on a number of threads.
func trained(t *testing.T, m *model.Model, threads int, in map[string]graph.Value) map[string][]float32 {
	t.Helper()
	f, err := m.Last().Step(len(lengths))
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(threads)
	defer be.Close()
	s := be.NewState()
	for name, v := range nn.InitialValues(m.Params, rng.New(3)) {
		if err := s.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range optim.InitialValues(m.Slots) {
		if err := s.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	p, err := be.Compile(f, s, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var given, results []*tensor.Tensor
	for _, spec := range p.Inputs() {
		x := spec.New()
		for i, v := range in[spec.Name] {
			if spec.DType == tensor.Int32 {
				x.I32()[i] = int32(v)
			} else {
				x.F32()[i] = float32(v)
			}
		}
		given = append(given, x)
	}
	for _, spec := range p.Outputs() {
		results = append(results, spec.New())
	}
	for range 3 {
		if err := p.Run(given, results); err != nil {
			t.Fatal(err)
		}
	}
	states := map[string][]float32{}
	for _, q := range m.Params {
		v, err := s.Get(q.Name)
		if err != nil {
			t.Fatal(err)
		}
		states[q.Name] = slices.Clone(v.F32())
	}
	return states
}
