package runtest

import (
	"fmt"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// StagedConfig configures an MLP VAE that is trained in three phases, the first of which
// takes labelled images.
type StagedConfig struct {
	vae.MLPVAEConfig
	Warm int `json:"warm" flag:"warm" help:"epochs of the first phase"`
}

// Staged returns the kind and its recipe.
func Staged() (model.Kind, model.Recipe) {
	_, rec := vae.MLPVAE()
	rec.Name, rec.Kind = "staged", "staged"
	return model.Kind{Name: "staged", Default: func() model.Config {
		k, _ := vae.MLPVAE()
		return &StagedConfig{*k.Default().(*vae.MLPVAEConfig), 1}
	}}, rec
}

// New builds the model.
func (c *StagedConfig) New(in model.Input) (*model.Model, error) {
	m, err := c.MLPVAEConfig.New(in)
	if err != nil {
		return nil, err
	}
	return stagedModel(m, c.Warm, func() error { return nil }), nil
}

// stagedModel returns m, trained in three phases: one whose step has another metric, a short
// one, and the model's own. The Init of the second changes a parameter by what its context
// gives, so that running it twice, or not, shows; it ends with ended.
func stagedModel(m *model.Model, warm int, ended func() error) *model.Model {
	train := m.Phases[0].Step
	staged := *m
	staged.Supervision = &model.Supervision{Count: 20, Batch: 7, Seed: 2}
	staged.Phases = []model.Phase{
		{Name: "warm", Epochs: warm, Step: func(batch int) (*graph.Func, error) {
			f, err := train(batch)
			if err != nil {
				return nil, err
			}
			epoch := graph.Input(model.InputEpoch, tensor.Float32)
			x, y := graph.Input(model.InputLabelledX, tensor.Float32, 7, 28, 28, 1), graph.Input(model.InputLabelledY, tensor.Float32, 7, 10)
			ramp := graph.ConstOf([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10)
			out := append(f.Outputs[:1:1],
				graph.Output{Name: "half", Value: graph.Div(epoch, graph.Const(2))},
				graph.Output{Name: "few", Value: graph.Add(graph.Sum(x), graph.Sum(graph.Mul(y, ramp)))})
			return graph.NewFunc("warm", append(f.Inputs[:len(f.Inputs):len(f.Inputs)], epoch, x, y), out, f.Updates)
		}},
		{Name: "short", Epochs: 1, Step: train, Init: func(s model.InitContext) error { return move(m, s, ended) }},
		{Name: "whole", Step: train},
	}
	return &staged
}

// Moved is the parameter that the initialisation of a Staged model changes.
const Moved = "encoder/z_mean/bias"

func move(m *model.Model, s model.InitContext, ended func() error) error {
	codes, err := s.Run(m.Encode)
	if err != nil {
		return err
	}
	means := codes[model.OutputMean]
	if len(means) != s.Train().Len()*m.Latent {
		return fmt.Errorf("%d values of means", len(means))
	}
	bias, err := s.Get(Moved)
	if err != nil {
		return err
	}
	bias.F32()[0] += means[0] + float32(s.Key().Float64())
	if err := s.Set(Moved, bias); err != nil {
		return err
	}
	return ended()
}

// OnMove makes a staged model call ended at the end of its initialisation.
func OnMove(m *model.Model, ended func() error) {
	init := m.Phases[1].Init
	m.Phases[1].Init = func(s model.InitContext) error {
		if err := init(s); err != nil {
			return err
		}
		return ended()
	}
}
