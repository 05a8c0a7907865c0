package digits_test

import (
	"context"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/mnist"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/realdata"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

const (
	classBatch = 128
	classes    = 10
)

// TestClassifier trains a small classifier for two passes on drawn digits only, and
// checks its accuracy on real handwriting.
func TestClassifier(t *testing.T) {
	dir := realdata.Dir(t)
	ctx := context.Background()
	drawn, err := digits.Source().Load(ctx, data.Options{DataDir: t.TempDir(), Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	var reg data.Registry
	for _, s := range mnist.Sources() {
		reg.Register(s)
	}
	real, err := reg.Open(ctx, "mnist", data.Options{DataDir: dir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	c := newClassifier(t)
	for epoch := range 2 {
		c.train(drawn.Train, data.Shuffle(1, epoch, drawn.Train.Items.Len()))
	}
	own, got := c.accuracy(drawn.Test), c.accuracy(real.Test)
	t.Logf("trained on drawn digits: reads %.2f %% of drawn test digits, %.2f %% of MNIST's test set", 100*own, 100*got)
	if !(got >= 0.9) {
		t.Errorf("a classifier trained on drawn digits reads %.2f %% of MNIST's test set, want at least 90 %%", 100*got)
	}
}

// classifier is conv 32 - conv 64 - dense 128 - dense 10, cross-entropy, Adam.
type classifier struct {
	t           *testing.T
	step, infer backend.Program
	x, y, lr    *tensor.Tensor
	loss, out   *tensor.Tensor
}

func newClassifier(t *testing.T) *classifier {
	x, y := graph.Input("x", tensor.Float32, classBatch, 28, 28, 1), graph.Input("y", tensor.Float32, classBatch, classes)
	lr := graph.Input("lr", tensor.Float32)
	b := nn.NewBuilder()
	h := b.Conv2D("conv", x, 32, 3, 2, graph.Same, nn.ReLU)
	h = b.Conv2D("conv_1", h, 64, 3, 2, graph.Same, nn.ReLU)
	h = b.Dense("dense", b.Flatten("flatten", h), 128, nn.ReLU)
	logits := b.Dense("logits", h, classes, nn.None)
	top := graph.ReduceMax(logits, 1)
	lse := graph.Add(top, graph.Log(graph.Sum(graph.Exp(graph.Sub(logits, graph.Reshape(top, classBatch, 1))), 1)))
	loss := graph.Mean(graph.Sub(lse, graph.Sum(graph.Mul(y, logits), 1)))
	updates, slots := optim.DefaultAdam().Update(b.States(), graph.Grad(loss, b.States()...), lr)

	be := cpu.New(0)
	t.Cleanup(func() { be.Close() })
	state := be.NewState()
	for _, p := range b.Params() {
		if err := state.Set(p.Name, p.Draw(rng.New(1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range slots {
		if err := state.Set(s.Name, s.Tensor()); err != nil {
			t.Fatal(err)
		}
	}
	compile := func(name string, in []*graph.Node, out *graph.Node, updates []graph.Update) backend.Program {
		f, err := graph.NewFunc(name, in, []graph.Output{{Name: "out", Value: out}}, updates)
		if err != nil {
			t.Fatal(err)
		}
		p, err := be.Compile(f, state, backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	c := &classifier{t: t,
		step: compile("train", []*graph.Node{x, y, lr}, loss, updates), infer: compile("infer", []*graph.Node{x}, logits, nil),
		x: tensor.New(tensor.Float32, x.Shape()...), y: tensor.New(tensor.Float32, y.Shape()...), lr: tensor.New(tensor.Float32),
		loss: tensor.New(tensor.Float32), out: tensor.New(tensor.Float32, classBatch, classes),
	}
	c.lr.F32()[0] = 1e-3
	return c
}

// fill puts image i of the split at place j of the batch.
func (c *classifier) fill(s data.Split, i, j int, pix []byte) {
	if err := s.Items.At(i, pix); err != nil {
		c.t.Fatal(err)
	}
	for k, v := range pix {
		c.x.F32()[j*len(pix)+k] = float32(v) / 255
	}
}

func (c *classifier) train(s data.Split, order []int32) {
	pix := make([]byte, 28*28)
	for at := 0; at+classBatch <= len(order); at += classBatch {
		clear(c.y.F32())
		for j, i := range order[at : at+classBatch] {
			c.fill(s, int(i), j, pix)
			c.y.F32()[j*classes+int(s.Labels[i])] = 1
		}
		if err := c.step.Run([]*tensor.Tensor{c.x, c.y, c.lr}, []*tensor.Tensor{c.loss}); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *classifier) accuracy(s data.Split) float64 {
	pix := make([]byte, 28*28)
	right, n := 0, s.Items.Len()
	for at := 0; at < n; at += classBatch {
		for j := range min(classBatch, n-at) {
			c.fill(s, at+j, j, pix)
		}
		if err := c.infer.Run([]*tensor.Tensor{c.x}, []*tensor.Tensor{c.out}); err != nil {
			c.t.Fatal(err)
		}
		for j := range min(classBatch, n-at) {
			row, best := c.out.F32()[j*classes:(j+1)*classes], 0
			for k, v := range row {
				if v > row[best] {
					best = k
				}
			}
			if int32(best) == s.Labels[at+j] {
				right++
			}
		}
	}
	return float64(right) / float64(n)
}
