package gan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

// Each row of the table against its published definition.
func TestLossesAreTheirDefinitions(t *testing.T) {
	d := func(l float64) float64 { return 1 / (1 + math.Exp(-l)) }
	for name, want := range map[string][3]func(l float64) float64{
		"non-saturating": {func(l float64) float64 { return -math.Log(d(l)) }, func(l float64) float64 { return -math.Log(1 - d(l)) }, func(l float64) float64 { return -math.Log(d(l)) }},
		"minimax":        {func(l float64) float64 { return -math.Log(d(l)) }, func(l float64) float64 { return -math.Log(1 - d(l)) }, func(l float64) float64 { return math.Log(1 - d(l)) }},
		"least-squares":  {func(l float64) float64 { return (l - 1) * (l - 1) / 2 }, func(l float64) float64 { return l * l / 2 }, func(l float64) float64 { return (l - 1) * (l - 1) / 2 }},
		"wasserstein":    {func(l float64) float64 { return -l }, func(l float64) float64 { return l }, func(l float64) float64 { return -l }},
		"hinge":          {func(l float64) float64 { return max(0, 1-l) }, func(l float64) float64 { return max(0, 1+l) }, func(l float64) float64 { return -l }},
	} {
		row, err := LossByName(name)
		if err != nil {
			t.Fatal(err)
		}
		x := graph.Value{-7.5, -1.2, -0.4, 0.3, 0.7, 1.6, 9}
		l := graph.Input("l", tensor.Float32, len(x))
		var outs []graph.Output
		for i, f := range []func(*graph.Node) *graph.Node{row.Real, row.Fake, row.Generator, row.isReal} {
			outs = append(outs, graph.Output{Name: fmt.Sprint(i), Value: f(l)})
		}
		f, err := graph.NewFunc("loss", []*graph.Node{l}, outs, nil)
		got := run(t, f, err, map[string]graph.Value{"l": x}, nil)
		for i, v := range x {
			for k := range want {
				if y := got[fmt.Sprint(k)][i]; !near(y, want[k](v), 1e-9) {
					t.Errorf("%s, column %d of %v: %v, want %v", name, k, v, y, want[k](v))
				}
			}
			if isReal := got["3"][i] == 1; name != "wasserstein" && isReal != (v > map[string]float64{"least-squares": 0.5}[name]) {
				t.Errorf("%s classifies %v as real: %v", name, v, isReal)
			}
		}
	}
	if n := len(Losses()); n != 5 {
		t.Errorf("%d rows, 5 are tested", n)
	}
}

// penaltyTerm returns the term that penalties add to the loss of the discriminator, and its
// metrics.
func penaltyTerm(in *inputs) (*graph.Node, []graph.Output) {
	u := in.penalised(update.Update{Loss: graph.Const(0)}, in.real(), in.generate(streamNoise))
	return u.Loss, u.Metrics
}

// The gradient of the penalties is a second derivative: it is compared, in each parameter
// of the discriminator, with differences of the penalty itself.
func TestPenaltyGradientAgainstDifferences(t *testing.T) {
	for name, options := range map[string][]string{
		"wgan-gp": {"loss", "wasserstein", "gp", "10"},
		"r1":      {"r1", "3"},
		"both":    {"gp", "2", "r1", "1"},
	} {
		for _, m := range []testModel{
			newModel(t, small, DenseGAN, append([]string{"latent", "3", "hidden", "5"}, options...)...),
			newModel(t, small, dcgan, append([]string{"latent", "3", "filters", "3,4", "d-norm", "none"}, options...)...),
		} {
			const b = 3
			s := m.inner.inputs(b, true)
			sum, metrics := penaltyTerm(s)
			params := update.Params(s.b, discriminator)
			outs := append([]graph.Output{{Name: "penalty", Value: sum}}, metrics...)
			for i, g := range graph.Grad(sum, params...) {
				outs = append(outs, graph.Output{Name: fmt.Sprint("grad", i), Value: g})
			}
			f, err := graph.NewFunc("penalty", s.nodes(), outs, nil)
			in, st := batch(b, small, 0), startStates(m)
			in[model.InputWeight] = graph.Value{1, 1, 0}
			got := run(t, f, err, in, st)
			if l := got[model.DInputGrad][0]; !(l > 0.01) {
				t.Fatalf("%s: the gradient norm is %v: too small for this test", name, l)
			}
			if v := got[model.DPenalty][0]; v != got["penalty"][0] || !(v > 0) {
				t.Errorf("%s: the penalty is %v, its metric %v", name, got["penalty"][0], v)
			}
			// No kink of a leaky unit lies between the two values.
			const h = 1e-6
			for i, p := range params {
				for j := 0; j < p.Shape().Size(); j += 1 + p.Shape().Size()/5 {
					at := func(by float64) float64 {
						moved := maps.Clone(st)
						v := append(graph.Value{}, st[p.Name()]...)
						v[j] += by
						moved[p.Name()] = v
						return run(t, f, nil, in, moved)["penalty"][0]
					}
					want := (at(h) - at(-h)) / (2 * h)
					if g := got[fmt.Sprint("grad", i)][j]; math.Abs(g-want) > 1e-5*max(1, math.Abs(want)) {
						t.Errorf("%s: the derivative in %s[%d] is %v, by differences %v", name, p.Name(), j, g, want)
					}
				}
			}
		}
	}
}

// The penalty of a discriminator that is linear in the pixels is known: its gradient is
// the same everywhere.
func TestPenaltyOfALinearDiscriminator(t *testing.T) {
	m := newModel(t, small, DenseGAN, "latent", "3", "hidden", "1", "gp", "10", "r1", "4")
	const b = 4
	s := m.inner.inputs(b, true)
	sum, metrics := penaltyTerm(s)
	f, err := graph.NewFunc("penalty", s.nodes(), append(metrics, graph.Output{Name: "penalty", Value: sum}), nil)
	st := startStates(m)
	w, up, square := st["discriminator/dense_2/kernel"], st["discriminator/dense_3/kernel"][0], 0.0
	for i := range w {
		w[i] = 0.01 * float64(i%7)
		square += w[i] * w[i] * up * up
	}
	st["discriminator/dense_2/bias"][0] = 50 // the unit is on
	got := run(t, f, err, batch(b, small, 0), st)
	norm := math.Sqrt(square)
	if l := got[model.DInputGrad][0]; !near(l, norm, 1e-6) {
		t.Errorf("the gradient norm is %v, want %v", l, norm)
	}
	if v, want := got["penalty"][0], 10*(norm-1)*(norm-1)+2*square; !near(v, want, 1e-6) {
		t.Errorf("the penalty is %v, want %v", v, want)
	}
}

// Two updates of the discriminator have every second image each, and their own noise. A
// step does not depend on the images of weight 0 that fill up a short batch.
func TestMinibatchesOfTheDiscriminator(t *testing.T) {
	m := newModel(t, small, DenseGAN, "latent", "3", "hidden", "5", "d-steps", "2")
	f := trainFunc(t, m, 6)
	in := batch(6, small, 0.01)
	in[model.InputWeight] = graph.Value{1, 1, 1, 0, 0, 0}
	st := startStates(m)
	run(t, f, nil, in, st)
	changed := batch(6, small, 0.01)
	changed[model.InputWeight] = in[model.InputWeight]
	for i := 3 * small.Size(); i < 6*small.Size(); i++ {
		changed[model.InputX][i] = 0.5
	}
	st2 := startStates(m)
	run(t, f, nil, changed, st2)
	for name := range st {
		for i := range st[name] {
			if st[name][i] != st2[name][i] {
				t.Fatalf("%s depends on images of weight 0", name)
			}
		}
	}
	// With one image the second update has none: its loss of real images is 0.
	in[model.InputWeight] = graph.Value{1, 0, 0, 0, 0, 0}
	for name, v := range run(t, f, nil, in, st) {
		if math.IsNaN(v[0]) {
			t.Errorf("%s of a batch of one image is not a number", name)
		}
	}
}

// Images are generated by the average, whose decay has a ramp.
func TestAverageOfTheGenerator(t *testing.T) {
	m := newModel(t, small, dcgan, "latent", "3", "filters", "3,4", "ema", "0.4")
	st, f := startStates(m), trainFunc(t, m, 4)
	want := map[string]graph.Value{}
	for name, v := range st {
		if strings.HasPrefix(name, "generator/") {
			want["average/"+name] = st["average/"+name]
			if strings.HasSuffix(name, "kernel") && len(v) != len(st["average/"+name]) {
				t.Fatalf("no average of %s", name)
			}
		}
	}
	for step := 1.0; step <= 5; step++ {
		run(t, f, nil, batch(4, small, 0.01), st)
		d := min(float64(float32(0.4)), (1+step)/(10+step))
		for name, mean := range want {
			next := make(graph.Value, len(mean))
			for i, v := range st[strings.TrimPrefix(name, "average/")] {
				next[i] = d*mean[i] + (1-d)*v
				if !near(st[name][i], next[i], 1e-12) {
					t.Fatalf("step %v: %s[%d] is %v, want %v", step, name, i, st[name][i], next[i])
				}
			}
			want[name] = next
		}
	}
	// Decode uses the average: the weights themselves have no effect.
	z := map[string]graph.Value{model.InputZ: graphtest.Uniform(rng.New(2), -2, 2, 9).Value}
	dec, err := m.Decode(3)
	was := run(t, dec, err, z, st)[model.OutputPicture]
	for name, v := range st {
		if strings.HasPrefix(name, "generator/") {
			st[name] = make(graph.Value, len(v))
		}
	}
	for i, v := range run(t, dec, nil, z, st)[model.OutputPicture] {
		if v != was[i] {
			t.Fatal("the weights themselves have an effect")
		}
	}
	first := map[string][]float32{}
	for _, p := range m.Params {
		first[p.Name] = p.Draw(rng.New(1)).F32()
	}
	for name := range want {
		if !slices.Equal(first[name], first[strings.TrimPrefix(name, "average/")]) {
			t.Errorf("%s does not start from the values of its parameter", name)
		}
	}
}

// The device computes second derivatives as the interpreter does.
func TestDeviceAgreesOnPenalties(t *testing.T) {
	be := cpu.New(2)
	defer be.Close()
	m := newModel(t, small, dcgan, "latent", "3", "filters", "3,4", "d-norm", "none", "loss", "wasserstein", "gp", "10", "d-steps", "2", "ema", "0.9")
	graphtest.Agree(t, be, trainFunc(t, m, 6), graph.Env{Inputs: batch(6, small, 0.002), States: startStates(m)}, 1e-4)
}
