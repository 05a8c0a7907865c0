package train

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// enterPhase prepares the run for the phase of the epoch that is next: it compiles its
// step. At the start of the phase it also runs Init and starts the sums anew, as a
// phase has metrics of its own.
func (t *trainer) enterPhase(ctx context.Context) error {
	p := runlog.PhaseAt(t.phases, t.at.Epoch)
	if p.Index != t.phase.Index {
		step, err := t.newStepper(p)
		if err != nil {
			return err
		}
		t.phase, t.step = p, step
		t.step.plateau = t.sums.Watch.Plateau
	}
	if p.Name != "" {
		t.view.Notify("phase", fmt.Sprintf("%d/%d, %s: epochs %d to %d", p.Index+1, len(t.phases), p.Name, p.First+1, p.End))
	}
	if t.sums.Initialised > p.Index {
		return nil
	}
	t.sums.start(len(t.step.names))
	if p.Init != nil {
		if err := t.initialise(ctx, p); err != nil {
			return err
		}
	}
	t.sums.Initialised = p.Index + 1
	return nil
}

// initialise runs Init of a phase. If it fails, the state is as it was before.
func (t *trainer) initialise(ctx context.Context, p runlog.Phase) error {
	c := &initContext{
		ctx: ctx, key: rng.New(t.config.Seed).Split("stage").Split(p.Name), images: t.Data.Labelled(t.Data.Train),
		session: t.session, runner: t.runner, before: map[string]*tensor.Tensor{},
	}
	err := p.Init(c)
	if err == nil {
		return nil
	}
	for name, v := range c.before {
		if e := t.runner.Set(name, v); e != nil {
			return fmt.Errorf("train: initialisation of phase %d %s: %w, and %s is lost: %w", p.Index+1, p.Name, err, name, e)
		}
	}
	if ctx.Err() != nil {
		return t.interrupt()
	}
	return fmt.Errorf("train: initialisation of phase %d %s: %w", p.Index+1, p.Name, err)
}

// An initContext is a model.InitContext over the state of a run.
type initContext struct {
	ctx     context.Context
	key     rng.Key
	images  data.Items
	session *latent.Session
	runner  *exec.Runner
	before  map[string]*tensor.Tensor // values of what was set, from before
}

// Context returns the context that ends when the run is interrupted.
func (c *initContext) Context() context.Context { return c.ctx }

// Key returns a key that depends on the seed of the run and the phase.
func (c *initContext) Key() rng.Key { return c.key }

// Train returns the training images.
func (c *initContext) Train() data.Items { return c.images }

// Run runs a function of the model over the training images.
func (c *initContext) Run(f model.Function) (map[string][]float32, error) {
	return c.session.Run(c.ctx, f, c.images, c.key.Split("run"))
}

// Get returns a copy of a parameter or slot.
func (c *initContext) Get(name string) (*tensor.Tensor, error) { return c.runner.Get(name) }

// Set sets a parameter or slot, and keeps its value from before.
func (c *initContext) Set(name string, v *tensor.Tensor) error {
	if c.before[name] == nil {
		old, err := c.runner.Get(name) // fails for a state that the model does not have: it would not be saved
		if err != nil {
			return err
		}
		c.before[name] = old
	}
	return c.runner.Set(name, v)
}
