package train

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// enter makes the run ready for the stage of the epoch that is next: its step is
// compiled, and at its very start its Init is run and the sums start anew, as its
// metrics may be others. At another place of the stage it does no more.
func (t *trainer) enter(ctx context.Context) error {
	s := runlog.PhaseAt(t.stages, t.at.Epoch)
	if s.Index != t.stage.Index {
		step, err := newStepper(t.Job, t.state, t.size, s)
		if err != nil {
			return err
		}
		t.stage, t.step = s, step
	}
	if s.Name != "" {
		t.Reporter.Println("stage     ", fmt.Sprintf("%d/%d, %s: epochs %d to %d", s.Index+1, len(t.stages), s.Name, s.First+1, s.End))
	}
	if t.sums.Begun > s.Index {
		return nil
	}
	t.sums.begin(len(t.step.names))
	if s.Init != nil {
		if err := t.begin(ctx, s); err != nil {
			return err
		}
	}
	t.sums.Begun = s.Index + 1
	return nil
}

// begin runs the Init of a stage. If it fails, the state is as it was before.
func (t *trainer) begin(ctx context.Context, s runlog.Phase) error {
	sc := &scene{
		ctx: ctx, key: rng.New(t.Run.Config.Seed).Split("stage").Split(s.Name), images: t.Data.Labelled(t.Data.Train),
		session: t.session, state: t.state, was: map[string]*tensor.Tensor{},
	}
	err := s.Init(sc)
	if err == nil {
		return nil
	}
	for name, v := range sc.was {
		if e := t.state.Set(name, v); e != nil {
			return fmt.Errorf("train: beginning of stage %d %s: %w, and %s is lost: %w", s.Index+1, s.Name, err, name, e)
		}
	}
	if ctx.Err() != nil {
		return t.interrupt()
	}
	return fmt.Errorf("train: beginning of stage %d %s: %w", s.Index+1, s.Name, err)
}

// A scene is a model.InitContext over the state of a run.
type scene struct {
	ctx     context.Context
	key     rng.Key
	images  data.Items
	session *latent.Session
	state   backend.State
	was     map[string]*tensor.Tensor // of what was set, before
}

// Context ends when the run is to stop.
func (s *scene) Context() context.Context { return s.ctx }

// Key depends on the seed of the run and the stage.
func (s *scene) Key() rng.Key { return s.key }

// Train returns the training images.
func (s *scene) Train() data.Items { return s.images }

// Run runs a function of the model over the training images.
func (s *scene) Run(f model.Function) (map[string][]float32, error) {
	return s.session.Run(s.ctx, f, s.images, s.key.Split("run"))
}

// Get returns a parameter or slot.
func (s *scene) Get(name string) (*tensor.Tensor, error) { return s.state.Get(name) }

// Set sets a parameter or slot, and remembers what it was.
func (s *scene) Set(name string, v *tensor.Tensor) error {
	if s.was[name] == nil {
		old, err := s.state.Get(name) // a state that the model does not have cannot be saved
		if err != nil {
			return err
		}
		s.was[name] = old
	}
	return s.state.Set(name, v)
}
