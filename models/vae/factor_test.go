package vae

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
)

var tinyFactor = []string{"latent", "3", "filters", "3,4", "dense", "5", "d-hidden", "4,3"}

// TestFactorVAEGradientsAgainstDifferences compares the gradients of both updates with finite
// differences: of the loss in the encoder and the decoder, and of the discriminator's loss in
// the discriminator.
func TestFactorVAEGradientsAgainstDifferences(t *testing.T) {
	m := newModel(t, small, FactorVAE, tinyFactor...)
	after := startStates(m)
	trainOnce(t, m, after, 5, 0, 0)
	for k, p := range m.Params {
		slots, share, metric := "optimizer/adam/m/", float64(float32(1-float64(float32(0.9)))), model.Loss
		if after[slots+p.Name] == nil {
			slots, share, metric = "optimizer/discriminator/m/", 0.5, metricDLoss
		}
		dir, slope := sines(p.Shape.Size(), 1, 2.3, float64(k)), 0.0
		for i, d := range dir {
			slope += d * after[slots+p.Name][i] / share
		}
		at := func(h float64) float64 {
			st := startStates(m)
			for i, d := range dir {
				st[p.Name][i] += h * d
			}
			return trainOnce(t, m, st, 5, 0, 0)[metric][0]
		}
		const h = 1e-5
		if want := (at(h) - at(-h)) / (2 * h); !near(slope, want, 1e-6) || slope == 0 && metric == metricDLoss {
			t.Errorf("slope of %s along %s is %.9f, by differences %.9f", metric, p.Name, slope, want)
		}
	}
}

// TestPermuteDims verifies that each unit is permuted over the images of weight 1 by a permutation of
// its own, that all permutations are equally likely, and that padding has no effect.
func TestPermuteDims(t *testing.T) {
	const n, units, count = 7, 3, 5
	z, w, key := graph.Input("z", tensor.Float32, n, units), graph.Input("w", tensor.Float32, n), keyed()
	permuted, weight := permuteDims(z, w, key)
	codes := sines(n*units, 1, 0.7, 0.2)
	weights := graph.Value{1, 1, 0, 1, 1, 0, 1} // padding anywhere
	var positions [units][count][count]float64  // how often the code of an image comes to a place
	same := 0.0
	const draws = 3000
	for step := range draws {
		out := graphs(t, map[string]graph.Value{"z": codes, "w": weights, "key": keyOf(uint64(step))}, permuted, weight)
		var order [units][count]int
		for j := range units {
			found := map[int]bool{}
			for r := range count {
				image := -1
				for i, k := 0, 0; i < n; i++ {
					if weights[i] == 0 {
						continue
					}
					if out[0][r*units+j] == codes[i*units+j] {
						image = k
					}
					k++
				}
				if image < 0 || found[image] {
					t.Fatalf("unit %d of row %d is %v, of the codes %v", j, r, out[0][r*units+j], codes)
				}
				found[image] = true
				order[j][r] = image
				positions[j][r][image] += 1. / draws
			}
		}
		if order[0] == order[1] {
			same += 1. / draws
		}
		if !slices.Equal(out[1], graph.Value{1, 1, 1, 1, 1, 0, 0}) {
			t.Fatalf("weights %v", out[1])
		}
	}
	for j := range positions {
		for r := range positions[j] {
			for i, share := range positions[j][r] {
				if !(math.Abs(share-1./count) < 0.04) { // five standard errors
					t.Errorf("unit %d: image %d comes to row %d in %v of the draws", j, i, r, share)
				}
			}
		}
	}
	if !(math.Abs(same-1./120) < 0.009) {
		t.Errorf("two units have one permutation in %v of the draws, want 1/120", same)
	}
	// Five images alone are permuted as with two of padding after them.
	short, _ := permuteDims(graph.Input("z", tensor.Float32, count, units), graph.Input("w", tensor.Float32, count), key)
	a := graphs(t, map[string]graph.Value{"z": codes[:count*units], "w": ones(count), "key": keyOf(1)}, short)[0]
	b := graphs(t, map[string]graph.Value{"z": codes, "w": append(ones(count), 0, 0), "key": keyOf(1)}, permuted)[0]
	if !slices.Equal(a, b[:count*units]) {
		t.Errorf("five images give %v, with padding %v", a, b)
	}
}

// TestFactorVAETermsAndPadding verifies loss = −ln p(x|z) + KL + γ·tc, and that a batch padded with
// images of weight 0 gives the step of the short batch.
func TestFactorVAETermsAndPadding(t *testing.T) {
	m := newModel(t, small, FactorVAE, append(tinyFactor, "gamma", "2.5")...)
	step := func(n int) (map[string]graph.Value, map[string]graph.Value) {
		in := inputs(5, small, 2)
		in[model.InputX] = append(in[model.InputX], make(graph.Value, (n-5)*small.Size())...)
		in[model.InputWeight] = append(in[model.InputWeight], make(graph.Value, n-5)...)
		in[model.InputLabels] = append(in[model.InputLabels], make(graph.Value, (n-5)*labels)...)
		in[model.InputLR] = graph.Value{0.01}
		st := startStates(m)
		f, err := m.Last().Step(n)
		return run(t, f, err, in, st), st
	}
	short, a := step(5)
	padded, b := step(8)
	if sum := short[model.Reconstruction][0] + short[model.KL][0] + 2.5*short[model.TotalCorrelation][0]; !near(short[model.Loss][0], sum, 1e-12) || short[model.TotalCorrelation][0] == 0 {
		t.Errorf("loss %v, its parts are %v", short[model.Loss][0], sum)
	}
	for name, v := range short {
		if !near(padded[name][0], v[0], 1e-12) {
			t.Errorf("%s of 5 images %v, of 5 padded to 8 %v", name, v[0], padded[name][0])
		}
	}
	for name, v := range a {
		for i := range v {
			if !near(b[name][i], v[i], 1e-9) {
				t.Fatalf("%s[%d] after 5 images %v, after 5 padded to 8 %v", name, i, v[i], b[name][i])
			}
		}
	}
}

// TestTotalCorrelationEstimate verifies that the discriminator learns the density ratio: for codes of
// two correlated units the estimate of the total correlation rises to about its value, and for
// independent units it stays near 0.
func TestTotalCorrelationEstimate(t *testing.T) {
	const n = 64
	for _, equal := range []bool{false, true} {
		tc := TotalCorrelation{KL: KL{Beta: 1}, Gamma: 1, Hidden: []int{16}}
		in, lr := newInputs(model.Input{Item: pixels.Item(1, 1, 1)}, n), graph.Input(model.InputLR, tensor.Float32)
		u := graph.Normal(in.Key, "u", n, 2)
		if equal {
			one := graph.Slice(u, []int{0, 0}, []int{n, 1}, []int{1, 1})
			u = graph.Concat(1, one, graph.Add(one, graph.Scale(graph.Normal(in.Key, "v", n, 1), 0.3)))
		}
		q := Posterior{Mu: u, LogVar: u, Z: u, KL: graph.Sum(u, 1)}
		_, terms := tc.Penalty(in, q)
		step := update.New(in.Builder, lr, tc.Updates(in, q)...)
		f, err := model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			return in.nodes(lr), append(step.Metrics, in.metrics(terms)...), step.Updates
		})
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]graph.Value{}
		for i, p := range in.Builder.Params() {
			states[p.Name] = sines(p.Shape.Size(), 0.5, 1.7, float64(i))
		}
		for _, slot := range step.Slots {
			states[slot.Name] = make(graph.Value, slot.Shape.Size())
			for i := range states[slot.Name] {
				states[slot.Name][i] = float64(slot.Value)
			}
		}
		estimate := 0.0
		for i := range 400 {
			out := run(t, f, nil, map[string]graph.Value{model.InputWeight: ones(n), model.InputKey: keyOf(uint64(i)), model.InputLR: {0.02}}, states)
			if i >= 300 {
				estimate += out[model.TotalCorrelation][0] / 100
			}
		}
		// TC = −½ ln(1 − ρ²) with ρ² = 1/1.09.
		if want := -0.5 * math.Log(1-1/1.09); equal && !(estimate > 0.6*want && estimate < 1.6*want) || !equal && !(math.Abs(estimate) < 0.2) {
			t.Errorf("equal units %v: the estimate is %v nats, of the equal ones %v", equal, estimate, want)
		}
	}
}
