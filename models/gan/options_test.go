package gan

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// labelled are a generator and a discriminator that take labels.
type labelled struct{}

func (labelled) Generate(b *nn.Builder, z, y *graph.Node, img medium.Item) *graph.Node {
	h := b.Dense("dense", graph.Concat(1, b.Input("z", z), b.Input("y", y)), img.Size(), nn.Tanh)
	return b.Reshape("image", h, img.Shape...)
}

func (labelled) Discriminate(b *nn.Builder, x, y *graph.Node) *graph.Node {
	h := graph.Concat(1, b.Flatten("flatten", b.Input("x", x)), b.Input("y", y))
	return graph.Reshape(b.Dense("logit", h, 1, nn.None), -1)
}

// constant is a rule that adds the learning rate to every parameter.
type constant struct{}

func (constant) Update(params, _ []*graph.Node, lr *graph.Node) ([]graph.Update, []optim.Slot) {
	var updates []graph.Update
	for _, p := range params {
		updates = append(updates, graph.Update{State: p, Value: graph.Add(p, lr)})
	}
	return updates, nil
}

// own returns a model of networks, loss, penalty, augmentation and optimiser from outside,
// and how often the augmentation is applied in a step.
func own(t *testing.T, change func(o *Options)) (testModel, *int) {
	t.Helper()
	augmentations := 0
	o := Options{
		Generator: labelled{}, Discriminator: labelled{}, Labels: true, Latent: 3,
		Loss: Loss{Name: "own", Formula: "own", Real: graph.Neg, Fake: graph.Square, Generator: graph.Exp, IsCritic: true},
		Penalties: []Penalty{{Formula: "3·mean", Value: func(in PenaltyInput) (penalty, gradNorm *graph.Node) {
			return graph.Scale(in.Mean(in.Logits(in.Real)), 3), nil
		}}},
		Augment: func(_ *graph.Node, _ string, x *graph.Node) *graph.Node {
			augmentations++
			return graph.Scale(x, 0.5)
		},
		Optimizer: constant{},
	}
	change(&o)
	m, err := build("own", o, model.Input{Item: small, Labels: 3})
	if err != nil {
		t.Fatal(err)
	}
	augmentations = 0
	return testModel{m.model, m}, &augmentations
}

func TestOwnParts(t *testing.T) {
	const b = 4
	m, augmentations := own(t, func(*Options) {})
	if len(m.Slots) != 0 || m.Sample == nil || !m.TakesLabels.Decode || m.Latent != 3 || m.Objective != "own + 3·mean; given the labels" {
		t.Fatalf("the model is %+v", m.Model)
	}
	in, st := batch(b, small, 0.25), startStates(m)
	dot := func(x, y graph.Value, w, bias graph.Value) float64 {
		sum := bias[0]
		for i, v := range slices.Concat(x, y) {
			sum += v * w[i]
		}
		return sum
	}
	real := 0.0
	for i := range b {
		x := slices.Clone(in[model.InputX][i*small.Size() : (i+1)*small.Size()])
		for j := range x {
			x[j] = (2*x[j] - 1) / 2
		}
		real += dot(x, in[model.InputLabels][3*i:3*i+3], st["discriminator/logit/kernel"], st["discriminator/logit/bias"]) / b
	}
	before := startStates(m)
	f := trainFunc(t, m, b)
	got := run(t, f, nil, in, st)
	if *augmentations != 2 {
		t.Errorf("a step augments %d times, want real and generated images once each", *augmentations)
	}
	if p := got[model.DPenalty][0]; !near(p, 3*real, 1e-9) || !(math.Abs(real) > 0.01) {
		t.Errorf("the penalty is %v, want 3·%v", p, real)
	}
	if _, ok := got[model.DAccuracy]; ok || got[model.DInputGrad] != nil {
		t.Errorf("metrics of a critic without a gradient penalty: %v", got)
	}
	for name, v := range before {
		if now := st[name]; !near(now[0], v[0]+0.25, 1e-12) {
			t.Errorf("%s is %v after a step of the rule, want %v + 0.25", name, now[0], v[0])
		}
	}
}

// The zero value of each field is the usual setting.
func TestDefaultOptions(t *testing.T) {
	o := Options{Generator: Dense{4}, Discriminator: Dense{4}}
	m, err := build("plain", o, model.Input{Item: small})
	if err != nil {
		t.Fatal(err)
	}
	if m.Latent != 100 || m.DSteps != 1 || m.DRate != 1 || m.Loss.Name != "non-saturating" || m.model.TakesLabels.Decode || m.model.Sample != nil {
		t.Errorf("the defaults are %+v", m.Options)
	}
	if rule := m.generatorOptimizer.rule; rule != (optim.Adam{Name: "optimizer/generator", Beta1: 0.5, Beta2: 0.999, Epsilon: 1e-8}) {
		t.Errorf("the optimiser is %+v", rule)
	}
}

func TestOptionErrors(t *testing.T) {
	dense := Dense{4}
	pair := func(change func(o *Options)) Options {
		o := Options{Generator: dense, Discriminator: dense}
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"empty":  {Options{}, "gan: Generator is nil: want a network\ngan: Discriminator is nil: want a network"},
		"values": {pair(func(o *Options) { o.Latent, o.DSteps, o.DRate, o.EMA = -1, 101, -1, 1 }), "gan: Latent -1: want 0 to 65536\ngan: DSteps 101: want 1 to 100\ngan: DRate -1: want a multiple of LR above 0, as 1 or 4\ngan: EMA 1: want 0 or more, and less than 1"},
		"loss":   {pair(func(o *Options) { o.Loss = Loss{Name: "half", Real: graph.Neg} }), "gan: Loss half: want Real, Fake and Generator, or none of them"},
		"labels": {pair(func(o *Options) { o.Labels = true }), "gan: x takes the labels of images, and these have none: want a set with labels, such as mnist, or another kind"},
		"shape of images": {pair(func(o *Options) {
			o.Generator = GeneratorFunc(func(b *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
				return b.Dense("dense", z, img.Size(), nn.Tanh)
			})
		}), "gan: x for images of 4x8x3: graph: generator([2,96]): want an output of [2,4,8,3]"},
		"shape of logits": {pair(func(o *Options) {
			o.Discriminator = DiscriminatorFunc(func(b *nn.Builder, x *graph.Node) *graph.Node {
				return b.Dense("dense", b.Flatten("flatten", x), 1, nn.None)
			})
		}), "gan: x for images of 4x8x3: graph: discriminator([2,1]): want an output of [2]"},
		"another network": {pair(func(o *Options) {
			o.Discriminator = DiscriminatorFunc(func(b *nn.Builder, x *graph.Node) *graph.Node {
				return dense.Discriminate(b.Network("critic"), x, nil)
			})
		}), "gan: x for images of 4x8x3: the discriminator has no parameters: declare its layers in the Builder that it is given"},
		"a part elsewhere": {pair(func(o *Options) {
			o.Discriminator = DiscriminatorFunc(func(b *nn.Builder, x *graph.Node) *graph.Node {
				l := dense.Discriminate(b, x, nil)
				return graph.Add(l, graph.Sum(b.Network("head").Param("bias", nn.Zeros, 1)))
			})
		}), "gan: x for images of 4x8x3: parameter head/bias is not learned: declare the layers of a network in the Builder that it is given"},
	} {
		_, err := New("x", c.o, model.Input{Item: small})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v\nwant %s", name, err, c.want)
		}
	}
}

// A configuration of the package takes optimisers too.
func TestOptimizerOfAKind(t *testing.T) {
	for _, kind := range []func() (model.Kind, model.Recipe){DenseGAN, dcgan, ResNetGAN, CGAN, InfoGAN, VAEGAN} {
		k, _ := kind()
		c := k.Default()
		setOptimizers(t, c, optim.DefaultRMSprop(), optim.DefaultAdamW())
		m, err := c.New(model.Input{Item: small, Labels: 3})
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		for _, s := range m.Slots {
			names += s.Name + " "
		}
		if strings.Contains(names, "generator/optimizer/adamw") || !strings.Contains(names, "optimizer/generator/optimizer/rmsprop/") || !strings.Contains(names, "optimizer/discriminator/optimizer/adamw/") {
			t.Errorf("%s: slots %s", k.Name, names)
		}
	}
}

// setOptimizers sets the optimisers of a configuration.
func setOptimizers(t *testing.T, c model.Config, optimizer, dOptimizer optim.Rule) {
	t.Helper()
	switch c := c.(type) {
	case *DenseConfig:
		c.Optimizer, c.DOptimizer = optimizer, dOptimizer
	case *DCGANConfig:
		c.Optimizer, c.DOptimizer = optimizer, dOptimizer
	case *ResNetConfig:
		c.Optimizer, c.DOptimizer = optimizer, dOptimizer
	case *CGANConfig:
		c.Optimizer, c.DOptimizer = optimizer, dOptimizer
	case *InfoGANConfig:
		c.Optimizer, c.DOptimizer = optimizer, dOptimizer
	case *VAEGANConfig:
		c.Optimizer, c.DOptimizer = optimizer, dOptimizer
	default:
		t.Fatalf("%T", c)
	}
}

// The help text of a loss option lists the table.
func TestLossHelp(t *testing.T) {
	for _, f := range model.Flags(&DenseConfig{}) {
		if f.Name == "loss" && f.Help != "adversarial loss: non-saturating, minimax, least-squares, wasserstein or hinge" {
			t.Errorf("help %q", f.Help)
		}
	}
	for _, f := range model.Flags(&VAEGANConfig{}) {
		if f.Help == "" {
			t.Errorf("--%s has no help", f.Name)
		}
	}
}

// A kind of options is saved as an empty configuration and builds the same model again.
func TestKind(t *testing.T) {
	k, _ := Kind("plain", "a GAN", func(in model.Input) Options {
		return Options{Generator: Dense{in.Shape[2]}, Discriminator: Dense{in.Shape[2]}, Latent: 2}
	})
	c, err := k.Decode([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.New(model.Input{Item: small})
	if err != nil || m.Latent != 2 || m.Networks[2].Name != "plain" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := k.Decode([]byte(`{"latent": 3}`)); err == nil {
		t.Error("an option that the kind does not have was taken")
	}
}
