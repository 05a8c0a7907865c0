package vae_test

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// Networks of your own are functions that add layers by a builder. The model adds the
// heads of q(z|x), the draw of the code and everything else.
func ExampleNew() {
	encoder := vae.EncoderFunc(func(enc *nn.Builder, x, _ *graph.Node) *graph.Node {
		h := enc.Conv2D("conv", enc.Input("images", x), 16, 3, 2, graph.Same, nn.None)
		return enc.BatchNorm("norm", h, nn.ReLU)
	})
	decoder := vae.DecoderFunc(func(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
		return dec.Dense("pixels", dec.Dense("hidden", z, 64, nn.ReLU), img.Size(), nn.None)
	})
	m, err := vae.New("my-vae", vae.Options{Encoder: encoder, Decoder: decoder, Latent: 4}, model.Input{Item: pixels.Item(8, 8, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	for _, n := range m.Networks {
		fmt.Println(n.Name, n.Params())
	}
	// Output:
	// loss = Σ_pixels BCE(x, x̂) + 1·KL(q(z|x) ‖ N(0, I)), nats per image
	// encoder 2248
	// decoder 4480
	// my-vae 6728
}

// A kind of your own is registered as those of the package are, and the command line
// trains it.
func ExampleKind() {
	var models model.Registry
	models.Register(vae.Kind("tiny-vae", "VAE with little networks, trained by a rule of mine", func(in model.Input) vae.Options {
		mlp := vae.MLP{Hidden: []int{32}, Activation: "tanh"}
		return vae.Options{
			Encoder: mlp, Decoder: mlp, Latent: 2, Likelihood: likelihood.Gaussian(0.2), Regularizer: vae.KL{Beta: 4, Warmup: 5},
			Overrides: vae.Overrides{Optimizer: signDescent{}, Initializer: nn.HeNormal},
		}
	}))
	recipe, err := models.Recipe("tiny-vae")
	if err != nil {
		panic(err)
	}
	config, err := models.Config(recipe)
	if err != nil {
		panic(err)
	}
	m, err := config.New(model.Input{Item: pixels.Item(8, 8, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	fmt.Println(len(m.Params), "parameters,", len(m.Slots), "slots of the optimiser")
	// Output:
	// loss = Σ_pixels −ln N(x; x̂, 0.2²) + 4·min(1, epoch/5)·KL(q(z|x) ‖ N(0, I)), nats per image (a density: it may be negative)
	// 10 parameters, 0 slots of the optimiser
}

// signDescent moves each parameter by the learning rate against the sign of its gradient.
type signDescent struct{}

func (signDescent) Update(params, grads []*graph.Node, lr *graph.Node) (updates []graph.Update, _ []optim.Slot) {
	for i, p := range params {
		sign := graph.Sub(graph.Greater(grads[i], graph.Const(0)), graph.Greater(graph.Const(0), grads[i]))
		updates = append(updates, graph.Update{State: p, Value: graph.Sub(p, graph.Mul(lr, sign))})
	}
	return updates, nil
}

// A regulariser of your own returns what is added to the loss of each image, and metrics
// of it: here the DIP-VAE of Kumar et al., arXiv:1711.00848, which makes the covariance of
// the means diagonal.
func ExampleRegularizer() {
	mlp := vae.MLP{Hidden: []int{32}}
	m, err := vae.New("dip-vae", vae.Options{
		Encoder: mlp, Decoder: mlp, Latent: 4, Regularizer: vae.Sum{vae.KL{Beta: 1}, offDiagonal{10}},
	}, model.Input{Item: pixels.Item(8, 8, 1)})
	if err != nil {
		panic(err)
	}
	step, err := m.Last().Step(16)
	if err != nil {
		panic(err)
	}
	for _, metric := range step.Outputs {
		fmt.Println(metric.Name)
	}
	// Output:
	// loss
	// reconstruction
	// kl
	// covariance
	// grad_norm
}

type offDiagonal struct{ weight float64 }

func (r offDiagonal) Penalty(in *vae.Inputs, q vae.Posterior) (*graph.Node, []vae.Term) {
	if in.Weight == nil {
		return nil, nil // images are scored one by one: there is no covariance
	}
	n, z := q.Mu.Shape()[0], q.Mu.Shape()[1]
	w := graph.Reshape(in.Weight, n, 1)
	count := graph.Sum(in.Weight)
	centred := graph.Sub(q.Mu, graph.Div(graph.Sum(graph.Mul(w, q.Mu), 0), count))
	covariance := graph.Div(graph.MatMulT(graph.Mul(w, centred), centred, true, false), count) // (Z,Z)
	diagonal := make([]float32, z*z)
	for i := range z {
		diagonal[i*z+i] = 1
	}
	off := graph.Mul(covariance, graph.Sub(graph.Const(1), graph.ConstOf(diagonal, z, z)))
	sum := graph.BroadcastTo(graph.Sum(graph.Square(off)), n)
	return graph.Scale(sum, r.weight), []vae.Term{{Name: "covariance", Value: sum}}
}

func (r offDiagonal) Formula() string { return fmt.Sprintf("%g·Σ_{i≠j} Cov(μ)²", r.weight) }

// A likelihood of your own is a value with two functions: Laplace pixels of a fixed scale.
func ExampleOptions_likelihood() {
	const scale = 0.1
	laplace := likelihood.Likelihood{
		Name: "laplace", Formula: "Σ_pixels |x − x̂|/0.1", Unit: "nats per image", Measure: model.Density,
		NLL: func(_ *nn.Builder, x, logits *graph.Node) *graph.Node {
			return graph.Scale(prob.AbsoluteError(x, graph.Sigmoid(logits)), 1/scale)
		},
		Mean: graph.Sigmoid,
	}
	mlp := vae.MLP{Hidden: []int{32}}
	m, err := vae.New("laplace-vae", vae.Options{Encoder: mlp, Decoder: mlp, Latent: 4, Likelihood: laplace}, model.Input{Item: pixels.Item(8, 8, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	// Output: loss = Σ_pixels |x − x̂|/0.1 + 1·KL(q(z|x) ‖ N(0, I)), nats per image
}

// The layers are those that Keras' summary prints of the published program.
func Example() {
	var models model.Registry
	models.Register(vae.MLPVAE())
	models.Register(vae.CNNVAE())

	recipe, err := models.Recipe("cnn-vae")
	if err != nil {
		panic(err)
	}
	config, err := models.Config(recipe)
	if err != nil {
		panic(err)
	}
	m, err := config.New(model.Input{Item: pixels.Item(28, 28, 1)})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	for _, net := range m.Networks {
		fmt.Printf("\n%s: %d parameters\n", net.Name, net.Params())
		for _, l := range net.Layers {
			line := fmt.Sprintf("%-18s %-15s %-13v %6d  %s", l.Name, l.Kind, l.Out[1:], l.Params, strings.Join(l.Inputs, " "))
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// loss = Σ_pixels (x − x̂)² + 1·KL(q(z|x) ‖ N(0, I)), nats per image (Gaussian pixels of σ² = ½, constant left out)
	//
	// encoder: 69076 parameters
	// input_1            InputLayer      [28,28,1]          0
	// conv2d             Conv2D          [14,14,32]       320  input_1
	// conv2d_1           Conv2D          [7,7,64]       18496  conv2d
	// flatten            Flatten         [3136]             0  conv2d_1
	// dense              Dense           [16]           50192  flatten
	// z_mean             Dense           [2]               34  dense
	// z_log_var          Dense           [2]               34  dense
	// sampling           Sampling        [2]                0  z_mean z_log_var
	//
	// decoder: 65089 parameters
	// input_2            InputLayer      [2]                0
	// dense_1            Dense           [3136]          9408  input_2
	// reshape            Reshape         [7,7,64]           0  dense_1
	// conv2d_transpose   Conv2DTranspose [14,14,64]     36928  reshape
	// conv2d_transpose_1 Conv2DTranspose [28,28,32]     18464  conv2d_transpose
	// conv2d_transpose_2 Conv2DTranspose [28,28,1]        289  conv2d_transpose_1
	//
	// cnn-vae: 134165 parameters
	// input_1            InputLayer      [28,28,1]          0
	// encoder            Model           [2]            69076  input_1
	// decoder            Model           [28,28,1]      65089  encoder
}
