package vae

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

func TestNearestCode(t *testing.T) {
	d := vqVAE{size: 3, dim: 2}
	b, z := nn.NewBuilder(), graph.Input("z", tensor.Float32, 40, 2)
	points := sines(80, 1.5, 0.83, 0.1)
	codes, e := d.nearest(b, z), d.codebook(b)
	out := graphs(t, map[string]graph.Value{"z": points}, codes, e)
	used := map[int]bool{}
	for i := range 40 {
		best, dist := 0, math.Inf(1)
		for k := range 3 {
			a, c := points[2*i]-out[1][2*k], points[2*i+1]-out[1][2*k+1]
			if s := a*a + c*c; s < dist {
				best, dist = k, s
			}
		}
		used[best] = true
		for k := range 3 {
			if (out[0][3*i+k] == 1) != (k == best) {
				t.Fatalf("point %d has the code %v, want %d", i, out[0][3*i:3*i+3], best)
			}
		}
	}
	if len(used) < 2 {
		t.Errorf("the points have the codes %v: the test verifies nothing", used)
	}
}

// TestStraightThrough verifies eq. 3: the encoder learns by the gradient at the decoder's input and by
// the commitment, the codebook by its own term alone. Each gradient is that of a loss in
// which the other parts are constants.
func TestStraightThrough(t *testing.T) {
	m := phasedModel(t, "vq-vae")
	k := phasedKinds["vq-vae"]
	options := configured(t, k.kind, k.options...).(*VQVAEConfig)
	d := options.vqVAE(likelihood.Bernoulli(), small)
	in := stepInputs(m, 3, 3)
	_, grads := learn(t, m, m.Phases[0], in, startStates(m))

	b := nn.NewBuilder()
	s := &Inputs{Builder: b, X: graph.Input(model.InputX, tensor.Float32, small.Batch(3)...)}
	c := d.quantize(s)
	fixed := map[string]*graph.Node{"ze": c.ze, "e": c.e, "codes": c.codes}
	values := func(states map[string]graph.Value, nodes map[string]*graph.Node) map[string]graph.Value {
		var outputs []graph.Output
		var inputs []*graph.Node
		for name, n := range nodes {
			outputs = append(outputs, graph.Output{Name: name, Value: n})
		}
		for _, n := range (&graph.Func{Outputs: outputs}).Nodes() {
			if n.Op() == graph.OpInput {
				inputs = append(inputs, n)
			}
		}
		f, err := graph.NewFunc("test", inputs, outputs, nil)
		return run(t, f, err, in, states)
	}
	for name, v := range values(startStates(m), fixed) {
		in[name] = v
	}
	held := map[string]*graph.Node{}
	hold := func(name string) *graph.Node {
		if held[name] == nil {
			held[name] = graph.Input(name, tensor.Float32, fixed[name].Shape()...)
		}
		return held[name]
	}
	ze, e := d.encodeVectors(s), graph.MatMul(hold("codes"), d.codebook(b))
	zq := graph.Add(ze, graph.Sub(hold("e"), hold("ze")))
	loss := graph.Add(s.reconstructionLoss(d.likelihood, d.decodeVectors(b, zq)), graph.Add(
		d.squaredDistance(hold("ze"), e), graph.Scale(d.squaredDistance(ze, hold("e")), d.commitment)))
	surrogate := map[string]*graph.Node{"loss": graph.Mean(loss)}
	for k, p := range m.Params {
		if grads[p.Name] == nil {
			continue
		}
		dir, slope := sines(p.Shape.Size(), 1, 2.3, float64(k)), 0.0
		for i, v := range dir {
			slope += v * grads[p.Name][i]
		}
		at := func(h float64) float64 {
			st := startStates(m)
			for i, v := range dir {
				st[p.Name][i] += h * v
			}
			return values(st, surrogate)["loss"][0]
		}
		const h = 1e-5
		if want := (at(h) - at(-h)) / (2 * h); !near(slope, want, 1e-6) {
			t.Errorf("slope along %s is %.9f, by differences %.9f", p.Name, slope, want)
		}
	}
}

func TestPerplexity(t *testing.T) {
	d := vqVAE{img: small, size: 4}
	codes := graph.Input("codes", tensor.Float32, 4, 4) // 2 images of 1×2 places
	s := &Inputs{Weight: graph.Input("weight", tensor.Float32, 2)}
	one := graph.Value{1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0}
	for want, w := range map[float64]graph.Value{2: {1, 0}, 1: {0, 1}, 2 * math.Sqrt2: {1, 1}} {
		if got := graphs(t, map[string]graph.Value{"codes": one, "weight": w}, d.perplexity(s, codes))[0][0]; !near(got, want, 1e-6) {
			t.Errorf("perplexity %v, want %v", got, want)
		}
	}
}

// TestPixelCNN verifies that the probabilities of all grids of 2×3 places and 2 codes add up to 1,
// which they do only if no place depends on itself or a later one, and that drawing code by
// code has the probabilities of the convolutions.
func TestPixelCNN(t *testing.T) {
	const rows, cols, n = 2, 3, 64
	p := pixelCNN{PixelCNN{3, 2}}
	var all []float32
	for i := range n {
		for place := range rows * cols {
			bit := float32(i >> place & 1)
			all = append(all, 1-bit, bit)
		}
	}
	b := nn.NewBuilder()
	codes := graph.ConstOf(all, n, rows, cols, 2)
	byConvolution := p.nll(b, codes)
	byPlace := graph.Const(0)
	p.inOrder(b, gridShape{n, rows, cols, 2}, func(i int, logits *graph.Node) *graph.Node {
		code := graph.Reshape(graph.Slice(codes, []int{0, i / cols, i % cols, 0}, []int{n, i/cols + 1, i%cols + 1, 2}, []int{1, 1, 1, 1}), n, 2)
		top := graph.Reshape(graph.ReduceMax(logits, 1), -1, 1)
		norm := graph.Log(graph.Sum(graph.Exp(graph.Sub(logits, top)), 1))
		byPlace = graph.Add(byPlace, graph.Sub(norm, graph.Sum(graph.Mul(code, graph.Sub(logits, top)), 1)))
		return code
	})
	out := graphs(t, nil, byConvolution, byPlace)
	sum, least, most := 0.0, math.Inf(1), 0.0
	for i, l := range out[0] {
		if !near(out[1][i], l, 1e-10) {
			t.Fatalf("grid %d: −ln p is %v by convolutions, %v place by place", i, l, out[1][i])
		}
		sum += math.Exp(-l)
		least, most = min(least, l), max(most, l)
	}
	if !near(sum, 1, 1e-10) || !(most > least+0.1) {
		t.Errorf("the densities add up to %v and are from %v to %v", sum, math.Exp(-most), math.Exp(-least))
	}
}

// TestVQSamplesDiffer verifies that images are drawn from codes of their own.
func TestVQSamplesDiffer(t *testing.T) {
	m := phasedModel(t, "vq-vae", "codebook", "32")
	f, err := m.Sample(6)
	x := run(t, f, err, map[string]graph.Value{model.InputKey: keyOf(5)}, startStates(m))[model.OutputPicture]
	size := small.Size()
	for i := 1; i < 6; i++ {
		same := true
		for j := range size {
			same = same && x[j] == x[i*size+j]
		}
		if same {
			t.Errorf("images 0 and %d are the same", i)
		}
	}
}
