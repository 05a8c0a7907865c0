package vae

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

var mnist = pixels.Item(28, 28, 1)

func TestPublishedParameterCounts(t *testing.T) {
	for _, c := range []struct {
		kind             kindOf
		img              medium.Item
		encoder, decoder int
	}{
		{kind: MLPVAE, img: mnist, encoder: 201_988, decoder: 202_256}, // 404,244
		{kind: CNNVAE, img: mnist, encoder: 69_076, decoder: 65_089},   // 134,165
		{kind: MLPAE, img: mnist, encoder: 201_988 - 514, decoder: 202_256},
		{kind: CNNAE, img: mnist, encoder: 69_076 - 34, decoder: 65_089},
		{kind: faceVAE, img: pixels.Item(64, 64, 3), encoder: 1_738_976, decoder: 1_218_276},
		// Colour adds 2·32·9 taps in front, and 2·32·9 taps and 2 biases at the end.
		{kind: CNNVAE, img: pixels.Item(28, 28, 3), encoder: 69_076 + 576, decoder: 65_089 + 578},
	} {
		m := newModel(t, c.img, c.kind)
		nets := m.Networks
		if len(nets) != 3 || nets[0].Params() != c.encoder || nets[1].Params() != c.decoder {
			t.Errorf("%v: %v has parameters %d + %d, want %d + %d", c.img, nets[2].Name, nets[0].Params(), nets[1].Params(), c.encoder, c.decoder)
		}
		if n := nn.Count(m.Params); n != c.encoder+c.decoder || nets[2].Params() != n {
			t.Errorf("%v: %d parameters declared, %d drawn, want %d", nets[2].Name, n, nets[2].Params(), c.encoder+c.decoder)
		}
	}
}

// TestLayersOfTheDenseNetworks verifies the layers of the dense networks. Those of the
// convolutional ones are the example of the package.
func TestLayersOfTheDenseNetworks(t *testing.T) {
	var b strings.Builder
	for _, n := range newModel(t, mnist, MLPVAE, "hidden", "512,256", "latent", "3").Networks {
		for _, l := range n.Layers {
			fmt.Fprintln(&b, n.Name, l.Name, l.Kind, l.Out[1:], l.Params, l.Inputs)
		}
	}
	const want = `encoder input_1 InputLayer [784] 0 []
encoder dense Dense [512] 401920 [input_1]
encoder dense_1 Dense [256] 131328 [dense]
encoder z_mean Dense [3] 771 [dense_1]
encoder z_log_var Dense [3] 771 [dense_1]
encoder sampling Sampling [3] 0 [z_mean z_log_var]
decoder input_2 InputLayer [3] 0 []
decoder dense_2 Dense [256] 1024 [input_2]
decoder dense_3 Dense [512] 131584 [dense_2]
decoder dense_4 Dense [784] 402192 [dense_3]
mlp-vae input_1 InputLayer [784] 0 []
mlp-vae encoder Model [3] 534790 [input_1]
mlp-vae decoder Model [784] 534800 [encoder]
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// gradients returns the loss of a step and its gradients: after the first step of Adam the
// mean of the gradients is a tenth of them.
func gradients(t *testing.T, m *model.Model, in map[string]graph.Value) (loss float64, grads map[string]graph.Value) {
	t.Helper()
	f, err := m.Last().Step(len(in[model.InputWeight]))
	after := startStates(m)
	loss = run(t, f, err, in, after)[model.Loss][0]
	grads = map[string]graph.Value{}
	share := float64(float32(1 - float64(float32(0.9))))
	for _, p := range m.Params {
		for _, v := range after["optimizer/adam/m/"+p.Name] {
			grads[p.Name] = append(grads[p.Name], v/share)
		}
	}
	return loss, grads
}

func TestLossGradientAgainstDifferences(t *testing.T) {
	for _, c := range []struct {
		kind    kindOf
		options []string
	}{
		{MLPVAE, append(tinyMLP, "loss", "bce")},
		{MLPVAE, append(tinyMLP, "loss", "mse", "beta", "3", "latent", "3")},
		{MLPVAE, []string{"hidden", "5,4", "activation", "softplus"}},
		{MLPVAE, append(tinyMLP, "loss", "cb", "warmup", "4")},
		{MLPVAE, append(tinyMLP, "loss", "gaussian", "sigma", "0.3", "free-bits", "0.02")},
		{MLPVAE, append(tinyMLP, "loss", "sigma", "mmd", "5")},
		{MLPVAE, append(tinyMLP, "loss", "logistic", "mmd", "5", "mmd-kernel", "rbf")},
		{MLPVAE, append(tinyMLP, "loss", "mae")},
		{MLPVAE, append(tinyMLP, "binarize", "true")},
		{CNNVAE, append(tinyCNN, "loss", "bce")},
		{CNNVAE, append(tinyCNN, "loss", "mse", "kernel", "2")},
		{CNNVAE, []string{"filters", "3,4", "dense", "0", "kernel", "4", "mirror", "true"}},
		{CNNVAE, append(tinyCNN, "residual", "true")},
		{MLPAE, append(tinyMLP, "loss", "mae")},
		{CNNAE, append(tinyCNN, "loss", "mse")},
		{CVAE, tinyCNN},
		{MLPCVAE, tinyMLP},
		{weighted, append(tinyMLP, "latent", "2", "samples", "3")},
		{Ladder, append(tinyLadder, "free-bits", "0.1")},
	} {
		m := newModel(t, small, c.kind, c.options...)
		in := inputs(3, small, 0)
		in[model.InputLR] = graph.Value{1}
		_, grads := gradients(t, m, in)
		// Each parameter is checked along a direction of its own, so that none
		// hides behind a larger one.
		for k, p := range m.Params {
			dir, slope := sines(p.Shape.Size(), 1, 2.3, float64(k)), 0.0
			for i, d := range dir {
				slope += d * grads[p.Name][i]
			}
			at := func(h float64) float64 {
				st := startStates(m)
				for i, d := range dir {
					st[p.Name][i] += h * d
				}
				return trainOnce(t, m, st, 3, 0, 1)[model.Loss][0]
			}
			const h = 1e-5
			if want := (at(h) - at(-h)) / (2 * h); !near(slope, want, 1e-6) {
				t.Errorf("%s %v: slope along %s is %.9f, by differences %.9f", name(c.kind), c.options, p.Name, slope, want)
			}
		}
	}
}

func TestPaddedBatchIsTheShortBatch(t *testing.T) {
	for _, kind := range allKinds {
		m := newModel(t, small, kind, tiny(kind)...)
		in := func(n int) map[string]graph.Value {
			in := inputs(5, small, 2)
			in[model.InputX] = append(in[model.InputX], make(graph.Value, (n-5)*small.Size())...)
			in[model.InputWeight] = append(in[model.InputWeight], make(graph.Value, n-5)...)
			in[model.InputLabels] = append(in[model.InputLabels], make(graph.Value, (n-5)*labels)...)
			in[model.InputLR], in[model.InputEpoch] = graph.Value{1}, graph.Value{100} // after any warm-up
			return in
		}
		l5, g5 := gradients(t, m, in(5))
		l8, g8 := gradients(t, m, in(8))
		if !near(l8, l5, 1e-12) {
			t.Errorf("loss of 5 images %v, of 5 padded to 8 %v", l5, l8)
		}
		for name, g := range g5 {
			for i := range g {
				if !near(g8[name][i], g[i], 1e-12) {
					t.Fatalf("%s[%d]: gradient of 5 images %v, of 5 padded to 8 %v", name, i, g[i], g8[name][i])
				}
			}
		}
		ev5, err5 := m.Eval(5)
		ev8, err8 := m.Eval(8)
		s5 := run(t, ev5, err5, in(5), startStates(m))
		for name, s := range run(t, ev8, err8, in(8), startStates(m)) {
			if !near(s[0], s5[name][0], 1e-12) {
				t.Errorf("%s of 5 images %v, of 5 padded to 8 %v", name, s5[name][0], s[0])
			}
		}
		if s := s5[model.Loss+model.SumSuffix][0]; !near(s/5, l5, 1e-12) {
			t.Errorf("the evaluated sum is %v, 5 times the training loss %v is %v", s, l5, 5*l5)
		}
	}
}

// TestTermsAddUp verifies loss = reconstruction + β·KL, with the KL in closed form of the outputs of
// Encode.
func TestTermsAddUp(t *testing.T) {
	m := newModel(t, small, CNNVAE, append(tinyCNN, "beta", "2.5")...)
	got := trainOnce(t, m, startStates(m), 3, 1, 0)
	if sum := got[model.Reconstruction][0] + 2.5*got[model.KL][0]; !near(got[model.Loss][0], sum, 1e-12) {
		t.Errorf("loss %v, reconstruction + 2.5·KL is %v", got[model.Loss][0], sum)
	}
	f, err := m.Encode(3)
	q := run(t, f, err, map[string]graph.Value{model.InputX: pictures(3, small)}, startStates(m))
	kl := 0.0
	for i, mu := range q[model.OutputMean] {
		v := q[model.OutputLogVar][i]
		kl += (mu*mu + math.Exp(v) - v - 1) / 2 / 3
	}
	if !near(got[model.KL][0], kl, 1e-12) {
		t.Errorf("KL %v, of the encoder's outputs %v", got[model.KL][0], kl)
	}
}

// TestReconstructIsDecodeOfEncode verifies that reconstructions are decoded from the code, and that
// the reconstruction term is their mean absolute error times the number of pixels.
func TestReconstructIsDecodeOfEncode(t *testing.T) {
	for _, img := range []medium.Item{small, pixels.Item(8, 4, 3)} {
		m := newModel(t, img, CNNAE, tinyCNN...)
		x := map[string]graph.Value{model.InputX: pictures(2, img), model.InputWeight: ones(2)}
		enc, err := m.Encode(2)
		code := run(t, enc, err, x, startStates(m))
		if _, has := code[model.OutputLogVar]; has || len(code[model.OutputMean]) != 4 {
			t.Fatalf("a plain autoencoder encodes to %v", code)
		}
		dec, err := m.Decode(2)
		y := run(t, dec, err, map[string]graph.Value{model.InputZ: code[model.OutputMean]}, startStates(m))[model.OutputPicture]
		rec, err := m.Reconstruct(2)
		whole := run(t, rec, err, x, startStates(m))[model.OutputPicture]
		if s := rec.Outputs[0].Value.Shape(); !s.Equal(graph.Shape(img.Batch(2))) {
			t.Errorf("a picture of shape %v, want a batch of %v", s, img)
		}
		mae := 0.0
		for i := range whole {
			if !near(whole[i], y[i], 1e-14) || !(y[i] > 0 && y[i] < 1) {
				t.Fatalf("pixel %d: reconstructed %v, decoded %v", i, whole[i], y[i])
			}
			mae += math.Abs(y[i] - x[model.InputX][i])
		}
		ev, err := m.Eval(2)
		if got := run(t, ev, err, x, startStates(m))[model.Reconstruction+model.SumSuffix][0]; !near(got, mae, 1e-12) {
			t.Errorf("reconstruction %v, distance of the pictures %v", got, mae)
		}
	}
}

func TestNonFiniteStepChangesNothing(t *testing.T) {
	m := newModel(t, small, MLPVAE, tinyMLP...)
	states := startStates(m)
	x := pictures(2, small)
	x[5] = math.NaN()
	f, err := m.Last().Step(2)
	out := run(t, f, err, map[string]graph.Value{model.InputX: x, model.InputWeight: ones(2), model.InputKey: keyOf(0), model.InputLR: {0.1}}, states)
	if !math.IsNaN(out[model.Loss][0]) {
		t.Errorf("the loss of a picture with a NaN is %v", out[model.Loss][0])
	}
	for name, want := range startStates(m) {
		for i := range want {
			if states[name][i] != want[i] {
				t.Fatalf("%s[%d] became %v", name, i, states[name][i])
			}
		}
	}
	trainOnce(t, m, states, 2, 0, 0.1)
	if states["encoder/dense/kernel"][0] == startStates(m)["encoder/dense/kernel"][0] || states["optimizer/adam/beta1_power"][0] == 1 {
		t.Error("a finite step changed nothing either")
	}
}

// TestNodesAreLabelled verifies that every node has the label of its layer, by which an error names a
// value that is not finite.
func TestNodesAreLabelled(t *testing.T) {
	f, err := newModel(t, small, CNNVAE, tinyCNN...).Last().Step(2)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]bool{}
	for _, n := range f.Nodes() {
		switch n.Op() {
		case graph.OpInput, graph.OpState, graph.OpConst, graph.OpSelect, graph.OpBroadcast:
		default:
			labels[n.Label()] = true
		}
	}
	for _, want := range []string{"encoder/conv2d", "encoder/conv2d_1 (gradient)", "encoder/z_log_var", "encoder/sampling",
		"decoder/conv2d_transpose_2", "reconstruction", "kl", "optimizer/adam"} {
		if !labels[want] {
			t.Errorf("no node is labelled %q", want)
		}
	}
}

func TestObjectives(t *testing.T) {
	for want, m := range map[string]*model.Model{
		"loss = Σ_pixels BCE(x, x̂) + 1·KL(q(z|x) ‖ N(0, I)), nats per image":                                               newModel(t, mnist, MLPVAE),
		"loss = Σ_pixels (x − x̂)² + 4·KL(q(z|x) ‖ N(0, I)), nats per image (Gaussian pixels of σ² = ½, constant left out)": newModel(t, mnist, CNNVAE, "beta", "4"),
		"loss = Σ_pixels |x − x̂|, nats per image (Laplace pixels of scale 1, constant left out)":                           newModel(t, mnist, MLPAE),
	} {
		if got := m.Objective; got != want {
			t.Errorf("objective %q, want %q", got, want)
		}
	}
}

func TestErrorsNameOptionValueAndWayOut(t *testing.T) {
	for _, c := range []struct {
		kind    kindOf
		img     medium.Item
		options []string
		want    string
	}{
		{MLPVAE, mnist, []string{"latent", "0"}, "vae: --latent 0: want 1 to 65536"},
		{MLPVAE, mnist, []string{"beta", "-1", "loss", "huber"}, "likelihood: --loss \"huber\": want bce or mse or mae or cb or gaussian or sigma or logistic\nvae: --beta -1: want a finite number of 0 or more; 1 is the evidence bound"},
		{MLPVAE, mnist, []string{"beta", "NaN"}, "vae: --beta NaN: want a finite number of 0 or more; 1 is the evidence bound"},
		{MLPVAE, mnist, []string{"sigma", "0", "loss", "gaussian"}, "likelihood: --sigma 0: want a number above 0, of pixels from 0 to 1"},
		{MLPVAE, mnist, []string{"sigma", "0.5"}, "likelihood: --sigma 0.5 has no effect with --loss bce: use --loss gaussian"},
		{CNNVAE, mnist, []string{"binarize", "true"}, "likelihood: --binarize makes pixels of 0 and 1, which --loss mse does not describe: use --loss bce, or --binarize=false"},
		{MLPVAE, mnist, []string{"warmup", "-1", "free-bits", "NaN"}, "vae: --warmup -1: want a number of epochs, 0 or more\nvae: --free-bits NaN: want nats a unit, 0 or more"},
		{MLPVAE, mnist, []string{"mmd", "-1", "mmd-kernel", "linear"}, "vae: --mmd -1: want a finite number of 0 or more\nvae: --mmd-kernel \"linear\": want imq or rbf"},
		{MLPVAE, mnist, []string{"mmd-kernel", "rbf"}, "vae: --mmd-kernel rbf has no effect without --mmd: give it a weight, as --mmd 10"},
		{MLPVAE, mnist, []string{"activation", "sine"}, "vae: --activation \"sine\": want relu, tanh or softplus"},
		{weighted, mnist, []string{"samples", "0"}, "vae: --samples 0: want 1 to 65536"},
		{CVAE, mnist, nil, "vae: cvae is given the labels of images, and these have none: use a labelled set, as --data mnist, or mlp-vae"},
		{Ladder, mnist, []string{"latents", "4"}, "vae: --latents has 1 layers: want 2 to 16, as --latents 64,32"},
		{Ladder, mnist, []string{"latents", "4,3,2"}, "vae: --hidden has 2 layers and --latents 3: want as many"},
		{MLPAE, mnist, []string{"loss", "BCE"}, "likelihood: --loss \"BCE\": want mae or mse or bce"},
		{MLPAE, mnist, []string{"hidden", "64,0"}, "vae: --hidden: layer 2 is 0: want 1 to 65536"},
		{CNNVAE, mnist, []string{"kernel", "0", "dense", "-3"}, "vae: --dense -3: want 0 (no such layer) to 65536\nvae: --kernel 0: want 1 to 31"},
		{CNNVAE, pixels.Item(30, 27, 1), nil, "vae: images of 30x27x1: with 2 layers of --filters rows and columns must be multiples of 4; use --size 28"},
		{CNNAE, mnist, []string{"filters", "8,8,8"}, "vae: images of 28x28x1: with 3 layers of --filters rows and columns must be multiples of 8; use --size 32, or at most 2 layers of --filters"},
		{CNNAE, pixels.Item(0, 0, 0), nil, "vae: images of 0x0x0: want at least one row, column and channel"},
	} {
		config := configured(t, c.kind, c.options...)
		_, err := config.New(model.Input{Item: c.img})
		if err == nil || flags(config, err) != c.want {
			t.Errorf("%v for %v: got %v\nwant %s", c.options, c.img, err, c.want)
		}
	}
	// A network too large for the engine is an error too, not a panic.
	if _, err := configured(t, MLPVAE, "hidden", "65536,65536").New(model.Input{Item: mnist}); err == nil || !strings.Contains(err.Error(), "mlp-vae for images of 28x28x1") {
		t.Errorf("2³² weights in a layer: %v", err)
	}
	if _, err := newModel(t, mnist, MLPVAE).Last().Step(0); err == nil {
		t.Error("a batch of 0 was taken")
	}
}
