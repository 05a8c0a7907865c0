package cpu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// netStep returns a training step of a small convolutional autoencoder on n images. With norm, a hidden layer is divided by a
// mean over the batch.
func netStep(t testing.TB, n int, norm bool) *graph.Func {
	t.Helper()
	cfg := graph.ConvConfig{Stride: [2]int{2, 2}}
	x, weight := graph.Input("x", tensor.Float32, n, 6, 6, 2), graph.Input("weight", tensor.Float32, n)
	w1, b1 := graph.State("w1", 3, 3, 2, 5), graph.State("b1", 5)
	w2, w3 := graph.State("w2", 45, 4), graph.State("w3", 4, 45)
	h := graph.ReLU(graph.Add(graph.Conv2D(x, w1, cfg), b1))
	h = graph.MatMul(graph.Reshape(h, n, 45), w2)
	if norm {
		h = graph.Div(h, graph.Sqrt(graph.AddScalar(graph.Mean(graph.Square(h), 0), 1)))
	}
	h = graph.Reshape(graph.Tanh(graph.MatMul(h, w3)), n, 3, 3, 5)
	y := graph.Sigmoid(graph.Conv2DInputGrad(h, w1, x.Shape(), cfg))
	each := graph.Sum(graph.Square(graph.Sub(y, x)), 1, 2, 3)
	loss := graph.Div(graph.Sum(graph.Mul(weight, each)), graph.Sum(weight))
	states := []*graph.Node{w1, b1, w2, w3}
	var updates []graph.Update
	for i, g := range graph.Grad(loss, states...) {
		updates = append(updates, graph.Update{State: states[i], Value: graph.Sub(states[i], graph.Scale(g, 0.01))})
	}
	f, err := graph.NewFunc("step", []*graph.Node{x, weight}, []graph.Output{{Name: "loss", Value: loss}, {Name: "image", Value: y}}, updates)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRegions finds regions in steps with and without a last shard of fewer images, and in a network whose images depend on
// each other in a hidden layer.
func TestRegions(t *testing.T) {
	for _, c := range []struct {
		n    int
		norm bool
		want int // regions
		form convForm
	}{{6, false, 1, directForm}, {7, false, 1, winogradForm}, {6, true, 3, winogradForm}, {7, true, 3, directForm}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			f := netStep(t, c.n, c.norm)
			b := newSharding(t, 2)
			b.config.form = c.form
			b.config.shardFloats, b.config.minRoots = 2*(45+4+45+72)*2, 0
			p, err := b.Compile(f, b.NewState(), backend.Options{})
			if err != nil {
				t.Fatal(err)
			}
			regions, products := 0, 0
			levels := p.(*program).levels
			for i := range levels {
				for _, s := range levels[i].stages {
					if s.shards == nil {
						products += int(s.matFlops)
						continue
					}
					regions++
					if rest := s.shards.bodies[0][1]; (rest != nil) != (c.n%s.shards.shard != 0) {
						t.Errorf("%d images in shards of %d: last shard %v", c.n, s.shards.shard, rest)
					}
				}
			}
			// The gradients of the dense layers are not in a region, because they are large compared with a shard.
			if dense := 2 * 2 * c.n * 45 * 4; regions != c.want || products != dense {
				t.Errorf("%d regions, %d flops outside of them; want %d and %d\n%v", regions, products, c.want, dense, p)
			}
			graphtest.Agree(t, b, f, graphtest.RandomEnv(rng.New(1), f), tol)
		})
	}
}

// Training steps with shards give the same bits with any number of threads.
func TestShardsAndThreads(t *testing.T) {
	t.Run("direct", func(t *testing.T) { testShardsAndThreads(t, netStep(t, 11, false), directForm) })
	t.Run("winograd", func(t *testing.T) { testShardsAndThreads(t, netStep(t, 11, false), winogradForm) })
	t.Run("sequences", func(t *testing.T) { testShardsAndThreads(t, attentionStep(t, 11), directForm) })
}

// attentionStep returns a training step of a table of embeddings, whose rows look at each other, on n sequences.
func attentionStep(t testing.TB, n int) *graph.Func {
	t.Helper()
	x, table := graph.Input("x", tensor.Float32, n, 5), graph.State("table", 5, 4)
	h := graph.Gather(table, x)
	e := graph.Exp(graph.MatMulT(h, h, false, true))
	y := graph.MatMul(graph.Div(e, graph.Reshape(graph.Sum(e, 2), n, 5, 1)), h)
	loss := graph.Mean(graph.Square(graph.Sub(y, graph.Const(1))))
	next := graph.Sub(table, graph.Scale(graph.Grad(loss, table)[0], 0.5))
	f, err := graph.NewFunc("step", []*graph.Node{x}, []graph.Output{{Name: "loss", Value: loss}}, []graph.Update{{State: table, Value: next}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Look-ups, sums by their ids and products of several matrices are in a region, and agree with the reference.
func TestRegionOfSequences(t *testing.T) {
	f := attentionStep(t, 7)
	b := newSharding(t, 2)
	p, err := b.Compile(f, b.NewState(), backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	levels := p.(*program).levels
	for i := range levels {
		for _, s := range levels[i].stages {
			if op := s.node.op; s.shards == nil && (op == "gather" || op == "scatter_add" && s.name != "sum lanes" || op == "matmul") {
				t.Errorf("%s of %s is not in the region\n%v", s.name, op, p)
			}
		}
	}
	env := graphtest.RandomEnv(rng.New(1), f)
	for i := range env.Inputs["x"] {
		env.Inputs["x"][i] = float64(i*5%7 - 1) // −1 and 5 are no rows
	}
	graphtest.Agree(t, b, f, env, tol)
}

func testShardsAndThreads(t *testing.T, f *graph.Func, form convForm) {
	env := graphtest.RandomEnv(rng.New(1), f)
	var want []float32
	for threads := 1; threads <= 4; threads++ {
		b := newSharding(t, threads)
		b.config.form = form
		s := b.NewState()
		for _, n := range f.States {
			x := tensor.New(tensor.Float32, n.Shape()...)
			for i, v := range env.States[n.Name()] {
				x.F32()[i] = float32(v)
			}
			if err := s.Set(n.Name(), x); err != nil {
				t.Fatal(err)
			}
		}
		p, err := b.Compile(f, s, backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var in, out []*tensor.Tensor
		for _, spec := range p.Inputs() {
			x := spec.New()
			for i, v := range env.Inputs[spec.Name] {
				x.F32()[i] = float32(v)
			}
			in = append(in, x)
		}
		for _, spec := range p.Outputs() {
			out = append(out, spec.New())
		}
		for range 20 {
			if err := p.Run(in, out); err != nil {
				t.Fatal(err)
			}
		}
		var got []float32
		for _, n := range f.States {
			x, err := s.Get(n.Name())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, x.F32()...)
		}
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%d threads: the bits differ from those of 1 thread", threads)
		}
	}
}
