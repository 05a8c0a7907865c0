package gan_test

import (
	"errors"
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

var mnist = model.Input{Item: pixels.Item(28, 28, 1)}

// generate is a generator of your own: z (B,Z) → (B,H,W,C) in [−1, 1].
func generate(b *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
	h := b.Dense("hidden", b.Input("noise", z), 64, nn.ReLU)
	return b.Reshape("image", b.Dense("pixels", h, img.Size(), nn.Tanh), img.Shape...)
}

// discriminate is a discriminator of your own: x (B,H,W,C) → (B).
func discriminate(b *nn.Builder, x *graph.Node) *graph.Node {
	h := b.Dense("hidden", b.Flatten("flatten", b.Input("image", x)), 64, nn.LeakyReLU(0.2))
	return graph.Reshape(b.Dense("logit", h, 1, nn.None), -1)
}

// A GAN of your own networks, with five updates of the critic, and other optimisers.
func ExampleNew() {
	m, err := gan.New("my-gan", gan.Options{
		Generator:     gan.GeneratorFunc(generate),
		Discriminator: gan.DiscriminatorFunc(discriminate),
		Latent:        32,
		Loss:          gan.Wasserstein(),
		Penalties:     []gan.Penalty{gan.GradientPenalty(10)},
		DSteps:        5,
		EMA:           0.999,
		Optimizer:     optim.DefaultAdamW(),
		DOptimizer:    optim.DefaultRMSprop(),
	}, mnist)
	if err != nil {
		panic(err)
	}
	step, err := m.Phases[0].Step(320) // a graph.Func: compile it for a device, or give m to package train
	if err != nil {
		panic(err)
	}
	for _, n := range m.Networks {
		fmt.Println(n.Name, n.Params())
	}
	fmt.Println(m.Objective)
	fmt.Println("metrics:", step.Outputs[0].Name, step.Outputs[1].Name, step.Outputs[2].Name, step.Outputs[3].Name)
	// Output:
	// generator 53072
	// discriminator 50305
	// my-gan 103377
	// D: D(G(z)) − D(x), G: −D(G(z)) + 10·(‖∂D/∂x̂‖ − 1)²
	// metrics: d_loss d_penalty d_input_grad g_loss
}

// An adversarial loss of your own is a gan.Loss: here least squares with the targets −1, 1
// and 0, whose minimum is the Pearson χ² divergence. Mao et al., arXiv:1611.04076, eq. 8.
func ExampleLoss() {
	halfSquare := func(target float64) func(l *graph.Node) *graph.Node {
		return func(l *graph.Node) *graph.Node {
			return graph.Scale(graph.Square(graph.AddScalar(l, -target)), 0.5)
		}
	}
	pearson := gan.Loss{
		Name: "pearson", Formula: "D: ½(D(x) − 1)² + ½(D(G(z)) + 1)², G: ½D(G(z))²",
		Real: halfSquare(1), Fake: halfSquare(-1), Generator: halfSquare(0),
	}
	m, err := gan.New("pearson-gan", gan.Options{
		Generator: gan.GeneratorFunc(generate), Discriminator: gan.DiscriminatorFunc(discriminate), Loss: pearson,
	}, mnist)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	// Output: D: ½(D(x) − 1)² + ½(D(G(z)) + 1)², G: ½D(G(z))²
}

// Kind makes a kind for a registry, and so for the command line.
func ExampleKind() {
	var registry model.Registry
	kind, recipe := gan.Kind("my-gan", "GAN with networks of my own", func(model.Input) gan.Options {
		return gan.Options{Generator: gan.GeneratorFunc(generate), Discriminator: gan.DiscriminatorFunc(discriminate)}
	})
	recipe.Train.Epochs = 10
	registry.Register(kind, recipe)
	for _, r := range registry.Recipes() {
		fmt.Println(r.Name+":", r.About)
	}
	// Output: my-gan: GAN with networks of my own
}

// A Config has an option of its own, the width of the hidden layers, beside all options of
// Noise and Adversarial.
type Config struct {
	gan.Noise
	Width int `json:"width" flag:"width" help:"units of the hidden layers"`
	gan.Adversarial
}

// Validate reports every fault of the options.
func (c *Config) Validate() error {
	faults := append(c.Noise.Faults(), model.CheckUnits("my-gan", "Width", c.Width)...)
	return errors.Join(append(faults, c.Adversarial.Faults()...)...)
}

// New builds the model.
func (c *Config) New(in model.Input) (*model.Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	o, err := c.Adversarial.Options(c.Noise)
	if err != nil {
		return nil, err
	}
	o.Generator = gan.GeneratorFunc(func(b *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
		h := b.Dense("hidden", b.Input("noise", z), c.Width, nn.ReLU)
		return b.Reshape("image", b.Dense("pixels", h, img.Size(), nn.Tanh), img.Shape...)
	})
	o.Discriminator = gan.DiscriminatorFunc(discriminate)
	return gan.New("my-gan", o, in)
}

// A configuration of your own embeds Noise and Adversarial: its kind has their options in
// the command line.
func ExampleAdversarial() {
	c := &Config{gan.Noise{Latent: 16}, 8, gan.DefaultAdversarial()}
	for _, f := range model.Flags(c)[:4] {
		fmt.Printf("--%s (default %v)\n", f.Name, f)
	}
	m, err := c.New(mnist)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Networks[0].Name, m.Networks[0].Params())
	c.Width, c.Loss = 0, "wgan"
	fmt.Println(c.Validate())
	// Output:
	// --latent (default 16)
	// --width (default 8)
	// --loss (default non-saturating)
	// --gp (default 0)
	// generator 7192
	// my-gan: Width 0: want 1 to 65536
	// gan: Loss "wgan": want non-saturating, minimax, least-squares, wasserstein, hinge
}
