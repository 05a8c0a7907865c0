package vae

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// phasedKinds are those with several phases or labels, with networks for small images.
var phasedKinds = map[string]struct {
	kind    kindOf
	options []string
}{
	"m1":     {M1, []string{"latent", "4", "hidden", "5", "class-hidden", "4,5", "labelled", "6", "labelled-batch", "4"}},
	"m2":     {M2, []string{"latent", "2", "class-hidden", "4,5", "labelled", "6", "labelled-batch", "4"}},
	"m1m2":   {M1M2, []string{"latent", "4", "hidden", "5", "class-hidden", "4", "style", "2", "labelled", "6", "labelled-batch", "4"}},
	"vade":   {VaDE, []string{"latent", "2", "clusters", "4", "hidden", "5,6"}},
	"vq-vae": {VQVAE, []string{"codebook", "5", "dim", "3", "width", "4", "blocks", "1", "prior-width", "3", "prior-layers", "2"}},
}

func phasedModel(t *testing.T, name string, more ...string) *model.Model {
	t.Helper()
	k := phasedKinds[name]
	return newModel(t, small, k.kind, append(append([]string{}, k.options...), more...)...)
}

// oneHot returns the labels 0, 1, 2, 0, … of n images; every fourth has none.
func oneHot(n int, all bool) graph.Value {
	v := make(graph.Value, n*labels)
	for i := range n {
		if all || i%4 != 3 {
			v[i*labels+i%labels] = 1
		}
	}
	return v
}

// stepInputs returns n images, of which the first count, and what else a step may take.
func stepInputs(m *model.Model, n, count int) map[string]graph.Value {
	in := map[string]graph.Value{
		model.InputX:      append(pictures(count, small), make(graph.Value, (n-count)*small.Size())...),
		model.InputWeight: append(ones(count), make(graph.Value, n-count)...),
		model.InputKey:    keyOf(0), model.InputLR: {0}, model.InputEpoch: {1},
		model.InputLabels: append(oneHot(count, false), make(graph.Value, (n-count)*labels)...),
	}
	if m.Supervision != nil {
		l := m.Supervision.Batch
		in[model.InputLabelledX] = pictures(l+2, small)[2*small.Size():]
		in[model.InputLabelledY] = oneHot(l, true)
	}
	return in
}

// learn runs a step of a phase with a rate of 0, and returns its metrics and gradients:
// after the first step of Adam the mean of the gradients is a tenth of it.
func learn(t *testing.T, m *model.Model, phase model.Phase, in, states map[string]graph.Value) (metrics, grads map[string]graph.Value) {
	t.Helper()
	f, err := phase.Step(len(in[model.InputWeight]))
	metrics = run(t, f, err, in, states)
	grads = map[string]graph.Value{}
	share := float64(float32(1 - float64(float32(0.9))))
	for _, p := range m.Params {
		if mean, ok := states["optimizer/"+phase.Name+"/m/"+p.Name]; ok {
			for _, v := range mean {
				grads[p.Name] = append(grads[p.Name], v/share)
			}
		}
	}
	return metrics, grads
}

func TestPhaseGradientsAgainstDifferences(t *testing.T) {
	for name := range phasedKinds {
		m := phasedModel(t, name)
		for _, phase := range m.Phases {
			in := stepInputs(m, 3, 3)
			_, grads := learn(t, m, phase, in, startStates(m))
			if len(grads) == 0 {
				t.Errorf("%s, phase %s has no gradient", name, phase.Name)
			}
			for k, p := range m.Params {
				network, _, _ := strings.Cut(p.Name, "/")
				straight := phase.Name == "codebook" && network != "decoder" // see TestStraightThrough
				if grads[p.Name] == nil || straight {
					continue
				}
				dir, slope := sines(p.Shape.Size(), 1, 2.3, float64(k)), 0.0
				for i, d := range dir {
					slope += d * grads[p.Name][i]
				}
				at := func(h float64) float64 {
					st := startStates(m)
					for i, d := range dir {
						st[p.Name][i] += h * d
					}
					metrics, _ := learn(t, m, phase, in, st)
					return metrics[model.Loss][0]
				}
				const h = 1e-5
				if want := (at(h) - at(-h)) / (2 * h); !near(slope, want, 1e-6) {
					t.Errorf("%s, phase %s: slope along %s is %.9f, by differences %.9f", name, phase.Name, p.Name, slope, want)
				}
			}
		}
	}
}

// TestPhasesLearnTheirNetworks verifies that a phase changes its networks and no others.
func TestPhasesLearnTheirNetworks(t *testing.T) {
	want := map[string]string{
		"m1 vae": "encoder decoder", "m1 classifier": "classifier",
		"m2 m2":    "classifier inference generator",
		"m1m2 vae": "encoder decoder", "m1m2 m2": "classifier inference generator",
		"vade pretraining": "encoder decoder", "vade clusters": "encoder prior decoder",
		"vq-vae codebook": "encoder codebook decoder", "vq-vae prior": "prior",
	}
	for name := range phasedKinds {
		m := phasedModel(t, name)
		for _, phase := range m.Phases {
			_, grads := learn(t, m, phase, stepInputs(m, 3, 3), startStates(m))
			learned := map[string]bool{}
			for _, p := range m.Params {
				network, _, _ := strings.Cut(p.Name, "/")
				for _, g := range grads[p.Name] {
					if g != 0 {
						learned[network] = true
					}
				}
			}
			networks := strings.Fields(want[name+" "+phase.Name])
			same := len(networks) == len(learned)
			for _, n := range networks {
				same = same && learned[n]
			}
			if !same {
				t.Errorf("%s, phase %s learns %v, want %v", name, phase.Name, learned, networks)
			}
		}
	}
}

func TestPaddedStepIsTheShortStep(t *testing.T) {
	for name := range phasedKinds {
		m := phasedModel(t, name)
		for _, phase := range m.Phases {
			short, g5 := learn(t, m, phase, stepInputs(m, 5, 5), startStates(m))
			padded, g8 := learn(t, m, phase, stepInputs(m, 8, 5), startStates(m))
			for metric, v := range short {
				if !near(padded[metric][0], v[0], 1e-9) {
					t.Errorf("%s, phase %s: %s of 5 images %v, of 5 padded to 8 %v", name, phase.Name, metric, v[0], padded[metric][0])
				}
			}
			for p, g := range g5 {
				for i := range g {
					if !near(g8[p][i], g[i], 1e-9) {
						t.Fatalf("%s, phase %s: %s[%d]: gradient of 5 images %v, of 5 padded to 8 %v", name, phase.Name, p, i, g[i], g8[p][i])
					}
				}
			}
		}
	}
}

// TestEveryOptionOfAPhasedKindHasAnEffect verifies that each option of a kind with several phases
// changes a metric of a phase, the phases, or the labels that are used.
func TestEveryOptionOfAPhasedKindHasAnEffect(t *testing.T) {
	other := map[string]string{
		"labelled": "9", "labelled-batch": "5", "labelled-seed": "8", "pretrain": "3", "class-hidden": "6", "alpha": "0.7",
		"labelled-weight": "0.9", "style": "3", "clusters": "3", "codebook": "6", "dim": "2", "width": "5", "blocks": "2", "commitment": "1.5",
		"pretrain-beta": "0", "covariance": "diagonal", "prior-width": "4", "prior-layers": "1",
	}
	for name, k := range phasedKinds {
		what := func(options []string) string {
			m := phasedModel(t, name, options...)
			s := fmt.Sprintf("%+v", m.Supervision)
			for _, phase := range m.Phases {
				metrics, _ := learn(t, m, phase, stepInputs(m, 2, 2), startStates(m))
				s += fmt.Sprintf(" %s %d %.9f", phase.Name, phase.Epochs, metrics[model.Loss][0])
			}
			return s
		}
		kind, _ := k.kind()
		for _, f := range model.Flags(kind.Default()) {
			to, with := other[f.Name], []string(nil)
			if to == "" {
				e, ok := effects[f.Name]
				if !ok {
					t.Errorf("%s --%s is in no table of effects", name, f.Name)
					continue
				}
				to = e.to
				for i := 0; i < len(e.with); i += 2 {
					if has(kind, e.with[i]) {
						with = append(with, e.with[i:i+2]...)
					}
				}
			}
			if was, now := what(with), what(append(with, f.Name, to)); was == now {
				t.Errorf("%s --%s %s: %s, as before it", name, f.Name, to, now)
			}
		}
	}
}

// TestPhasedEvalAddsUp verifies that the metrics of Eval are the sums of those of Score, and that
// the loss is the sum of its parts.
func TestPhasedEvalAddsUp(t *testing.T) {
	for name := range phasedKinds {
		m := phasedModel(t, name)
		in := stepInputs(m, 4, 4)
		ev, err := m.Eval(4)
		sums := run(t, ev, err, in, startStates(m))
		sc, err := m.Score(4)
		for metric, each := range run(t, sc, err, in, startStates(m)) {
			sum := 0.0
			for _, v := range each {
				sum += v
			}
			if !near(sums[metric+model.SumSuffix][0], sum, 1e-9) {
				t.Errorf("%s: %s adds up to %v, scored to %v", name, metric, sums[metric+model.SumSuffix][0], sum)
			}
		}
		if name != "m2" {
			if got, want := sums["loss_sum"][0], sums["reconstruction_sum"][0]+sums["kl_sum"][0]; !near(got, want, 1e-9) {
				t.Errorf("%s: loss %v, reconstruction + KL %v", name, got, want)
			}
		}
	}
}

// TestPhasedModelsAtWork verifies that probabilities add up to 1, images are in [0,1], and labels
// change what is drawn where the model takes them.
func TestPhasedModelsAtWork(t *testing.T) {
	for name := range phasedKinds {
		m := phasedModel(t, name)
		in := stepInputs(m, 4, 4)
		if m.Classify != nil {
			f, err := m.Classify(4)
			p := run(t, f, err, in, startStates(m))[model.OutputProbs]
			k := len(p) / 4
			for i := range 4 {
				sum := 0.0
				for _, v := range p[i*k : (i+1)*k] {
					sum += v
				}
				if !near(sum, 1, 1e-12) {
					t.Errorf("%s: the classes of image %d add up to %v", name, i, sum)
				}
			}
		}
		if m.Sample != nil {
			f, err := m.Sample(4)
			a := run(t, f, err, in, startStates(m))[model.OutputPicture]
			in[model.InputLabels] = oneHot(5, true)[labels:]
			b := run(t, f, err, in, startStates(m))[model.OutputPicture]
			differ := false
			for i, v := range a {
				if !(v >= 0 && v <= 1) {
					t.Fatalf("%s: a drawn pixel is %v", name, v)
				}
				differ = differ || v != b[i]
			}
			if labelled := name == "m2" || name == "m1m2"; differ != labelled {
				t.Errorf("%s: other labels give other images: %v", name, differ)
			}
		}
		f, err := m.Reconstruct(4)
		for _, in := range f.Inputs {
			if in.Name() == model.InputKey {
				t.Errorf("%s: a reconstruction depends on the key", name)
			}
		}
		for i, v := range run(t, f, err, in, startStates(m))[model.OutputPicture] {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("%s: reconstructed pixel %d is %v", name, i, v)
			}
		}
		w, err := m.LogWeights(4, 3)
		for _, v := range run(t, w, err, in, startStates(m))[model.OutputLogWeight] {
			if math.IsNaN(v) || math.IsInf(v, 0) || v > 0 {
				t.Errorf("%s: a log-weight of binary pixels is %v", name, v)
			}
		}
	}
}

func TestPhasedErrors(t *testing.T) {
	for _, c := range []struct {
		kind    kindOf
		in      model.Input
		options []string
		want    string
	}{
		{M2, model.Input{Item: mnist}, nil, "vae: m2 learns classes from a few labels: want images with labels of 2 classes or more; these have 0"},
		{M1M2, model.Input{Item: mnist, Labels: 10}, []string{"labelled", "50", "labelled-batch", "60", "alpha", "-1"},
			"vae: --labelled-batch 60: want 1 to 50, the images of --labelled\nvae: --alpha -1: want a finite number of 0 or more"},
		{M1, model.Input{Item: mnist, Labels: 10}, []string{"labelled", "0", "class-hidden", "", "pretrain", "0"}, ""},
		{VaDE, model.Input{Item: mnist}, []string{"clusters", "0", "loss", "l2"}, ""},
		{VQVAE, model.Input{Item: pixels.Item(30, 28, 1)}, nil, "vae: images of 30x28x1: vq-vae wants rows and columns that are multiples of 4; use --size 28"},
		{VQVAE, model.Input{Item: pixels.Item(256, 256, 3)}, nil, "vae: images of 256x256x3 have 4096 codes: vq-vae draws at most 1024; use --size 128 or less"},
		{VQVAE, model.Input{Item: mnist}, []string{"codebook", "1", "blocks", "-1", "commitment", "NaN"},
			"vae: --codebook 1: want 2 to 65536\nvae: --blocks -1: want 0 to 64\nvae: --commitment NaN: want a finite number of 0 or more, as 0.25"},
	} {
		config := configured(t, c.kind)
		for i := 0; i < len(c.options); i += 2 {
			for _, f := range model.Flags(config) {
				if f.Name == c.options[i] && c.options[i+1] != "" {
					if err := f.Set(c.options[i+1]); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if _, err := config.New(c.in); err == nil || c.want != "" && flags(config, err) != c.want {
			t.Errorf("%v: got %v\nwant %s", c.options, err, c.want)
		}
	}
}
