package train

import (
	"context"
	"fmt"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// A stage is epochs of a run with a step of their own: a phase of a model,
// or the whole run. Its schedule and its warm-ups count its own epochs.
type stage struct {
	model.Phase
	index      int
	first, end int  // epochs first … end−1 of the run, from 0
	last       bool // the one whose test losses are compared
}

// stagesOf divides the epochs of a run as the model says.
func stagesOf(m *model.Model, c *Config) ([]stage, error) {
	epochs := c.epochs()
	if len(m.Phases) == 0 {
		return nil, fmt.Errorf("train: the model has no phase of training")
	}
	var stages []stage
	var before []string
	end := 0
	for i, s := range m.Phases {
		last := i == len(m.Phases)-1
		if s.Name == "" && len(m.Phases) > 1 || s.Step == nil || last != (s.Epochs == 0) || s.Epochs < 0 {
			return nil, fmt.Errorf("train: stage %d of the model, %q, is of %d epochs: want a name, a step, and 1 epoch or more, or 0 for the last stage alone", i+1, s.Name, s.Epochs)
		}
		stages = append(stages, stage{Phase: s, index: i, first: end, end: end + s.Epochs, last: last})
		end += s.Epochs
		if !last {
			before = append(before, fmt.Sprintf("%s takes %s", s.Name, plural(s.Epochs, "epoch")))
			continue
		}
		if epochs <= end {
			given, want := fmt.Sprintf("--epochs %d leaves", epochs), fmt.Sprintf("--epochs %d", end+1)
			if c.Steps > 0 {
				given, want = fmt.Sprintf("--steps %d, %s, leaves", c.Steps, plural(epochs, "epoch")), fmt.Sprintf("--steps %d", int64(end)*c.perEpoch()+1)
			}
			return nil, fmt.Errorf("train: %s none for the last stage, %s: %s; want %s or more, or shorter stages", given, s.Name, strings.Join(before, ", "), want)
		}
		stages[i].end = epochs
	}
	if len(stages) == 1 {
		stages[0].Name = "" // there is nothing to tell it from
	}
	return stages, nil
}

// at returns the stage of an epoch, the last for those after the end.
func at(stages []stage, epoch int) stage {
	for _, s := range stages {
		if epoch < s.end {
			return s
		}
	}
	return stages[len(stages)-1]
}

// enter makes the run ready for the stage of the epoch that is next: its step is
// compiled, and at its very start its Init is run and the sums start anew, as its
// metrics may be others. At another place of the stage it does no more.
func (t *trainer) enter(ctx context.Context) error {
	s := at(t.stages, t.at.Epoch)
	if s.index != t.stage.index {
		step, err := newStepper(t.Job, t.state, t.size, s)
		if err != nil {
			return err
		}
		t.stage, t.step = s, step
	}
	if s.Name != "" {
		t.Reporter.Println("stage     ", fmt.Sprintf("%d/%d, %s: epochs %d to %d", s.index+1, len(t.stages), s.Name, s.first+1, s.end))
	}
	if t.sums.Begun > s.index {
		return nil
	}
	t.sums.begin(len(t.step.names))
	if s.Init != nil {
		if err := t.begin(ctx, s); err != nil {
			return err
		}
	}
	t.sums.Begun = s.index + 1
	return nil
}

// begin runs the Init of a stage. If it fails, the state is as it was before.
func (t *trainer) begin(ctx context.Context, s stage) error {
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
			return fmt.Errorf("train: beginning of stage %d %s: %w, and %s is lost: %w", s.index+1, s.Name, err, name, e)
		}
	}
	if ctx.Err() != nil {
		return t.interrupt()
	}
	return fmt.Errorf("train: beginning of stage %d %s: %w", s.index+1, s.Name, err)
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
