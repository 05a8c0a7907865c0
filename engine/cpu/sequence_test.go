package cpu_test

import (
	"math"
	"runtime"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// A sequenceModel is the shape of a variational autoencoder of sequences of words.
type sequenceModel struct {
	batch, steps, words, embedding, units, codes int
	lstm, bidirectional                          bool // of the encoder: both are GRUs or LSTMs
	codeEachStep                                 bool // whether the decoder reads the code at each step, beside the word
}

// The shapes whose steps are compared with PyTorch: docs/benchmarks.md.
var (
	sentenceVAE = sequenceModel{batch: 32, steps: 23, words: 9877, embedding: 300, units: 256, codes: 16}
	moleculeVAE = sequenceModel{batch: 128, steps: 22, words: 23, embedding: 32, units: 256, codes: 56, bidirectional: true, codeEachStep: true}
	melodyVAE   = sequenceModel{batch: 128, steps: 32, words: 90, embedding: 90, units: 256, codes: 256, lstm: true, bidirectional: true, codeEachStep: true}
)

// step returns a training step with Adam and clipped gradients, and the builder of its parameters and the optimiser's slots.
func (m sequenceModel) step(t testing.TB) (*graph.Func, *nn.Builder, []optim.Slot) {
	t.Helper()
	b := nn.NewBuilder()
	ids, key := graph.Input("ids", tensor.Float32, m.batch, m.steps+1), graph.Input("key", tensor.Int32, 4)
	layer := func(name string, x *graph.Node, units int, o nn.Recurrence) (y, last *graph.Node) {
		if m.lstm {
			y, last, _ = b.LSTM(name, x, units, o)
			return y, last
		}
		return b.GRU(name, x, units, o)
	}
	words := b.Embedding("words", ids, m.words, m.embedding, nn.Normal(0, 0.1))
	read := graph.Slice(words, []int{0, 0, 0}, []int{m.batch, m.steps, m.embedding}, []int{1, 1, 1})
	units := m.units
	if m.bidirectional && !m.lstm {
		units /= 2
	}
	_, h := layer("encoder", read, units, nn.Recurrence{})
	if m.bidirectional {
		_, back := layer("backward", read, units, nn.Recurrence{Reverse: true})
		h = graph.Concat(1, h, back)
	}
	mean, logVariance := b.Dense("mean", h, m.codes, nn.None), b.Dense("log_variance", h, m.codes, nn.None)
	z := graph.Add(mean, graph.Mul(graph.Exp(graph.Scale(logVariance, 0.5)), graph.Normal(key, "z", m.batch, m.codes)))
	if m.codeEachStep {
		each := graph.BroadcastTo(graph.Reshape(z, m.batch, 1, m.codes), m.batch, m.steps, m.codes)
		read = graph.Concat(2, read, each)
	}
	y, _ := layer("decoder", read, m.units, nn.Recurrence{Initial: b.Dense("initial", z, m.units, nn.Tanh)})
	rows := m.batch * m.steps
	logits := b.Dense("logits", graph.Reshape(y, rows, m.units), m.words, nn.None)
	next := graph.Reshape(graph.Slice(ids, []int{0, 1}, []int{m.batch, m.steps + 1}, []int{1, 1}), rows, 1)
	numbers := make([]float32, m.words)
	for i := range numbers {
		numbers[i] = float32(i)
	}
	hit := graph.Equal(next, graph.ConstOf(numbers, m.words))
	largest := graph.StopGradient(graph.Reshape(graph.ReduceMax(logits, 1), rows, 1))
	sum := graph.Add(graph.Log(graph.Sum(graph.Exp(graph.Sub(logits, largest)), 1)), graph.Reshape(largest, rows))
	nll := graph.Sum(graph.Sub(sum, graph.Sum(graph.Mul(hit, logits), 1)))
	kl := graph.Scale(graph.Sum(graph.Sub(graph.Add(graph.Square(mean), graph.Exp(logVariance)), graph.AddScalar(logVariance, 1))), 0.5)
	loss := graph.Scale(graph.Add(nll, kl), 1/float64(m.batch))
	grads := graph.Grad(loss, b.States()...)
	updates, slots := optim.DefaultAdam().Update(b.States(), optim.Clip(grads, optim.GlobalNorm(grads), 5), graph.Const(1e-3))
	f, err := graph.NewFunc("step", []*graph.Node{ids, key}, []graph.Output{{Name: "loss", Value: loss}}, updates)
	if err != nil {
		t.Fatal(err)
	}
	return f, b, slots
}

// compiled returns a function that runs a step, and its state.
func (m sequenceModel) compiled(t testing.TB, threads int) (run func(), s backend.State) {
	t.Helper()
	f, b, slots := m.step(t)
	be := cpu.New(threads)
	t.Cleanup(func() { be.Close() })
	s = be.NewState()
	set := func(name string, x *tensor.Tensor) bool {
		if err := s.Set(name, x); err != nil {
			t.Fatal(err)
		}
		return true
	}
	nn.InitialValues(b.Params(), rng.New(7))(set)
	optim.InitialValues(slots)(set)
	p, err := be.Compile(f, s, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ids, key, loss := p.Inputs()[0].New(), p.Inputs()[1].New(), p.Outputs()[0].New()
	rng.New(4).Uniform(ids.F32())
	for i, u := range ids.F32() {
		ids.F32()[i] = float32(int(u * float32(m.words)))
	}
	words := rng.New(5).Words()
	copy(key.I32(), words[:])
	return func() {
		if err := p.Run([]*tensor.Tensor{ids, key}, []*tensor.Tensor{loss}); err != nil {
			t.Fatal(err)
		}
		if v := float64(loss.F32()[0]); math.IsNaN(v) {
			t.Fatal("the loss is NaN")
		}
	}, s
}

// Training steps of sequences give the same bits with any number of threads: with products of a wide right side too.
func TestThreadsDoNotChangeBitsOfSequences(t *testing.T) {
	for name, m := range map[string]sequenceModel{
		"gru":  {batch: 16, steps: 6, words: 2100, embedding: 9, units: 256, codes: 3, bidirectional: true},
		"lstm": {batch: 5, steps: 4, words: 11, embedding: 6, units: 20, codes: 3, lstm: true, codeEachStep: true},
	} {
		t.Run(name, func(t *testing.T) {
			checkThreads(t, func(threads int) (func(), backend.State) { return m.compiled(t, threads) })
		})
	}
}

// Long sequences compile in little memory: 118 MB were seen for 60 steps, and 144 for 240 steps of fewer values. With a pad to
// the whole sequence for the gradient of each step, the decoder of 60 steps alone took 527 MB; with a search of all groups
// after each merge, and all their dependents brought up to date, 240 steps took more than 10 s.
func TestLongSequenceCompilesInLittleMemory(t *testing.T) {
	for _, m := range []sequenceModel{
		{batch: 32, steps: 60, words: 1000, embedding: 128, units: 256, codes: 16, lstm: true},
		{batch: 4, steps: 240, words: 100, embedding: 16, units: 32, codes: 16, lstm: true},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m.compiled(t, 2)
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 300 {
			t.Errorf("%d steps: %d MB are allocated, want 300 at most", m.steps, mb)
		} else {
			t.Logf("%d steps: %d MB", m.steps, mb)
		}
	}
}

// BenchmarkSequenceStep measures training steps of the shapes of docs/benchmarks.md.
func BenchmarkSequenceStep(b *testing.B) {
	for name, m := range map[string]sequenceModel{"sentence-vae": sentenceVAE, "qm9-gru-vae": moleculeVAE, "melody-lstm-vae": melodyVAE} {
		b.Run(name, func(b *testing.B) {
			run, _ := m.compiled(b, 2)
			run()
			for b.Loop() {
				run()
			}
		})
	}
}
