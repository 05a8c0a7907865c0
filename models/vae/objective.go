package vae

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
)

// An objective declares what one model of the family minimises and what it can do. A
// function that is nil it cannot do; those of the first group it always has.
type objective struct {
	kind       string
	latent     int // Z
	likelihood likelihood.Likelihood
	formula    string // of the loss, with its unit

	terms  func(in *Inputs) []Term                     // of each image; the first is minimised by the last phase
	encode func(in *Inputs) (mu, logVar *graph.Node)   // q(z|x): (B,Z) each; logVar is nil if deterministic
	decode func(in *Inputs, z *graph.Node) *graph.Node // logits of p(x|z), or tokens: z (B,Z) → (B,H,W,C)
	phases []phase                                     // of training, one after another

	reconstruct func(in *Inputs) *graph.Node        // logits (B,H,W,C); nil: decode of the mean of encode
	logWeights  func(in *Inputs, k int) *graph.Node // ln p(x,z) − ln q(z|x) of k draws of z, without constants: (k,B), nats
	sample      func(in *Inputs, n int) *graph.Node // logits of n images from a prior other than N(0, I): (n,H,W,C)
	classify    func(in *Inputs) *graph.Node        // probabilities of the classes: (B,K)

	steps *steps // of the decoder of sequences; nil of any other

	deterministic bool // encode returns codes; the likelihood is a distance only
	takesLabels   model.Conditioning
	supervision   *model.Supervision
}

// A phase is a part of training with a step of its own.
type phase struct {
	name    string
	epochs  int                                             // 0 of the last one: what is left
	init    func(m *model.Model, c model.InitContext) error // before its first step; or nil
	updates func(in *Inputs) []update.Update                // of a step
}

// Overrides are settings that Go code gives a model beside its options. They are not
// saved with a run: code that opens the run sets them again. An optimiser of package optim
// is better chosen by model.Input.Optimizer, which is saved.
type Overrides struct {
	Optimizer   optim.Rule `json:"-"` // of every network; nil is Adam, with the constants of the kind
	Initializer nn.Init    `json:"-"` // of the kernels of all layers; nil is Glorot uniform
}

// adam returns Adam with slots of the name of a phase.
func adam(name string) optim.Adam {
	a := optim.DefaultAdam()
	a.Name = "optimizer/" + name
	return a
}

// SetOverrides replaces the overrides. Every configuration of this package has it:
//
//	config.(interface{ SetOverrides(vae.Overrides) }).SetOverrides(vae.Overrides{Optimizer: mine})
func (o *Overrides) SetOverrides(overrides Overrides) { *o = overrides }

// minimize returns the updates of a step that lowers the first of some metrics, which
// are scalars: one, of all networks but those of frozen.
func minimize(name string, rule optim.Rule, metrics func(in *Inputs) []graph.Output, frozen ...string) func(in *Inputs) []update.Update {
	return func(in *Inputs) []update.Update {
		all := metrics(in)
		return []update.Update{{
			Name: name, Loss: all[0].Value, Params: update.Except(in.Builder, frozen...), Optimizer: rule, GradNorm: model.GradNorm, Metrics: all,
		}}
	}
}

// onePhase returns the training of a model that minimises the first of terms throughout.
func onePhase(rule optim.Rule, terms func(in *Inputs) []Term) []phase {
	return []phase{{updates: minimize("model", rule, func(in *Inputs) []graph.Output { return in.metrics(terms(in)) })}}
}

// A builder builds the functions of the model of an objective for data of one shape.
type builder struct {
	objective
	in        model.Input
	overrides Overrides
}

// build returns the model for data of one shape. It fails if the networks do not fit them.
func (o objective) build(in model.Input, overrides Overrides) (*model.Model, error) {
	if err := checkImage(in.Item); err != nil {
		return nil, err
	}
	if o.likelihood.Measure != model.Discrete {
		if err := model.CheckNumbers("vae: "+o.kind, in.Item, "char-vae"); err != nil {
			return nil, err
		}
	}
	b := builder{o, in, overrides}
	m := &model.Model{
		Objective: medium.Reword(in.Item, o.formula), Optimizer: in.Optimizer, Supervision: o.supervision, Latent: o.latent, Deterministic: o.deterministic, TakesLabels: o.takesLabels,
		Eval: b.eval, Score: b.score, Encode: b.encoder, Decode: b.decoder, Reconstruct: b.reconstruction,
		Likelihood: o.likelihood.Describe(in.Item),
	}
	if o.logWeights == nil {
		m.Likelihood.Measure, m.Likelihood.Constant = model.Distance, 0
	}
	if o.logWeights != nil {
		m.LogWeights = b.weights
	}
	if o.sample != nil {
		m.Sample = b.sampler
	}
	if o.classify != nil {
		m.Classify = b.classifier
	}
	if o.steps != nil {
		m.Stepper = b.stepper()
	}
	err := graph.Try(func() {
		s := b.inputs(2) // batch statistics need two images
		o.terms(s)
		m.Params, m.Networks = s.Builder.Params(), nn.WithOverview(o.kind, s.Builder.Networks())
		for _, p := range o.phases {
			t, step := b.step(p, 2, graph.Input(model.InputLR, tensor.Float32))
			for _, slot := range step.Slots {
				if !slices.ContainsFunc(m.Slots, func(old optim.Slot) bool { return old.Name == slot.Name }) {
					m.Slots = append(m.Slots, slot)
				}
			}
			for _, q := range t.Builder.Params() {
				if !slices.ContainsFunc(m.Params, func(old nn.Param) bool { return old.Name == q.Name }) {
					m.Params = append(m.Params, q)
				}
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("vae: %s for images of %v: %w", o.kind, in.Item, err)
	}
	for _, p := range o.phases {
		q := model.Phase{Name: p.name, Epochs: p.epochs, Step: b.trainer(p)}
		if p.init != nil {
			q.Init = func(c model.InitContext) error { return p.init(m, c) }
		}
		m.Phases = append(m.Phases, q)
	}
	return m, nil
}

// checkImage returns an error for images without pixels.
func checkImage(img medium.Item) error {
	if img.Size() < 1 || img.Shape.Check() != nil {
		return fmt.Errorf("vae: images of %v: want at least one row, column and channel", img)
	}
	return nil
}

// inputs returns the inputs of a function of n images.
func (b builder) inputs(n int) *Inputs {
	in := newInputs(b.in, n)
	if b.overrides.Initializer != nil {
		in.Builder.Kernel = b.overrides.Initializer
	}
	return in
}

// step returns a step of a phase on n images:
//
//	loss = Σ weight·loss_image / Σ weight
//
// so that a short batch, padded with images of weight 0, gives the step of the short batch.
func (b builder) step(p phase, n int, lr *graph.Node) (*Inputs, update.Step) {
	in := b.inputs(n)
	in.Builder.Training, in.Builder.Key = true, in.Key
	in.Epoch = graph.Input(model.InputEpoch, tensor.Float32)
	if b.supervision != nil {
		in.LabelledX = graph.Input(model.InputLabelledX, tensor.Float32, b.in.Batch(b.supervision.Batch)...)
		in.LabelledY = graph.Input(model.InputLabelledY, tensor.Float32, b.supervision.Batch, b.in.Labels)
	}
	updates := p.updates(in)
	for i, u := range updates {
		if u.Optimizer == nil {
			updates[i].Optimizer = adam(u.Name)
		}
		if rule := b.overrides.Optimizer; rule != nil {
			updates[i].Optimizer = update.Prefixed(rule, "optimizer/"+u.Name+"/")
		}
		updates[i].Optimizer = b.in.Optimizer.Apply(updates[i].Optimizer, "optimizer/"+u.Name)
	}
	return in, update.New(in.Builder, lr, updates...)
}

// trainer returns the function of a step of a phase.
func (b builder) trainer(p phase) model.Function {
	return func(n int) (*graph.Func, error) {
		return model.Build("train", func() ([]*graph.Node, []graph.Output, []graph.Update) {
			lr := graph.Input(model.InputLR, tensor.Float32)
			in, step := b.step(p, n, lr)
			return in.nodes(lr), step.Metrics, step.Updates
		})
	}
}

// eval returns the function that adds the terms over the images of weight 1.
func (b builder) eval(n int) (*graph.Func, error) {
	return model.Build("eval", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		var out []graph.Output
		for _, t := range b.terms(in) {
			out = append(out, graph.Output{Name: t.Name + model.SumSuffix, Value: graph.Tag(in.Total(t.Value), t.Name)})
		}
		return in.nodes(), out, nil
	})
}

// score returns the function of the terms, image by image, without those of a batch as
// a whole.
func (b builder) score(n int) (*graph.Func, error) {
	return model.Build("score", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		in.Weight = nil
		var out []graph.Output
		for _, t := range b.terms(in) {
			out = append(out, graph.Output{Name: t.Name, Value: t.Value})
		}
		return in.nodes(), out, nil
	})
}

// encoder returns the function of the mean of q(z|x), and of its log-variance if it has one.
func (b builder) encoder(n int) (*graph.Func, error) {
	return model.Build("encode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		mu, logVar := b.encode(in)
		out := []graph.Output{{Name: model.OutputMean, Value: mu}}
		if logVar != nil {
			out = append(out, graph.Output{Name: model.OutputLogVar, Value: logVar})
		}
		return in.nodes(), out, nil
	})
}

// decoder returns the function of the mean image of p(x|z).
func (b builder) decoder(n int) (*graph.Func, error) {
	return model.Build("decode", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in, z := b.inputs(n), graph.Input(model.InputZ, tensor.Float32, n, b.latent)
		return in.nodes(z), b.image(b.decode(in, z)), nil
	})
}

// reconstruction returns the function that decodes the mean of q(z|x).
func (b builder) reconstruction(n int) (*graph.Func, error) {
	return model.Build("reconstruct", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		if b.reconstruct != nil {
			return in.nodes(), b.image(b.reconstruct(in)), nil
		}
		mu, _ := b.encode(in)
		return in.nodes(), b.image(b.decode(in, mu)), nil
	})
}

// weights returns the function of the importance weights of k draws, with the constant
// that the metrics leave out.
func (b builder) weights(n, k int) (*graph.Func, error) {
	return model.Build("log_weights", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		w := graph.Transpose(b.logWeights(in, k), 1, 0)
		w = graph.AddScalar(w, -b.likelihood.Describe(b.in.Item).Constant)
		return in.nodes(), []graph.Output{{Name: model.OutputLogWeight, Value: graph.Tag(w, model.OutputLogWeight)}}, nil
	})
}

// sampler returns the function that draws images: the mean of p(x|z) of z drawn from the
// prior, with the labels that are given.
func (b builder) sampler(n int) (*graph.Func, error) {
	return model.Build("sample", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		return in.nodes(), b.image(b.sample(in, n)), nil
	})
}

// classifier returns the function of the probability of each class.
func (b builder) classifier(n int) (*graph.Func, error) {
	return model.Build("classify", func() ([]*graph.Node, []graph.Output, []graph.Update) {
		in := b.inputs(n)
		return in.nodes(), []graph.Output{{Name: model.OutputProbs, Value: graph.Tag(b.classify(in), model.OutputProbs)}}, nil
	})
}

func (b builder) image(logits *graph.Node) []graph.Output {
	return []graph.Output{{Name: model.OutputPicture, Value: graph.Tag(b.likelihood.Mean(logits), model.OutputPicture)}}
}
