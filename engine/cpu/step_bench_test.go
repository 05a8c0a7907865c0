package cpu_test

import (
	"fmt"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

const batch = 128

// trainStep compiles the training step of a recipe for random images. It returns a function that runs it, and its state.
func trainStep(t testing.TB, make func() (model.Kind, model.Recipe), threads int) (func(), backend.State) {
	b := cpu.New(threads)
	t.Cleanup(func() { b.Close() })
	kind, rec := make()
	cfg, err := kind.Decode([]byte(rec.Config))
	if err != nil {
		cfg = kind.Default()
	}
	m, err := cfg.New(model.Input{Item: pixels.Item(28, 28, 1)})
	if err != nil {
		t.Fatal(err)
	}
	step, err := m.Last().Step(batch)
	if err != nil {
		t.Fatal(err)
	}
	s := b.NewState()
	for _, p := range m.Params {
		if err := s.Set(p.Name, p.Draw(rng.New(1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, sl := range m.Slots {
		if err := s.Set(sl.Name, sl.Tensor()); err != nil {
			t.Fatal(err)
		}
	}
	p, err := b.Compile(step, s, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var in, out []*tensor.Tensor
	for _, spec := range p.Inputs() {
		x := spec.New()
		switch spec.Name {
		case model.InputX:
			rng.New(2).Uniform(x.F32())
		case model.InputWeight:
			for i := range x.F32() {
				x.F32()[i] = 1
			}
		case model.InputLR:
			x.F32()[0] = 1e-3
		}
		in = append(in, x)
	}
	for _, spec := range p.Outputs() {
		out = append(out, spec.New())
	}
	return func() {
		if err := p.Run(in, out); err != nil {
			t.Fatal(err)
		}
	}, s
}

func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name  string
		make  func() (model.Kind, model.Recipe)
		flops float64 // of the matrix products and convolutions, for one image
	}{{"mlp-vae", vae.MLPVAE, 2.11e6}, {"cnn-vae", vae.CNNVAE, 39.8e6}} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", c.name, threads), func(b *testing.B) {
				step, _ := trainStep(b, c.make, threads)
				step()
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
				rate := float64(b.N) / b.Elapsed().Seconds() * batch
				b.ReportMetric(rate, "img/s")
				b.ReportMetric(rate*c.flops/1e9, "GFLOP/s")
			})
		}
	}
}

// A training step allocates no memory, as backend.Program promises.
func TestStepDoesNotAllocate(t *testing.T) {
	step, _ := trainStep(t, vae.MLPVAE, 2)
	step()
	if n := testing.AllocsPerRun(20, step); n > 0 {
		t.Errorf("a training step makes %v allocations, want 0", n)
	}
}
