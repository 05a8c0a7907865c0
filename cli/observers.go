package cli

import (
	"fmt"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/live"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/train/terminal"
	"github.com/imago-ml/imago/viz"
	"github.com/imago-ml/imago/viz/gallery"
)

// observers returns what follows a run of the command line: the weights for those who watch it learn, the lines of the terminal, and
// the pictures with their report.
// Pictures before the end take at most the part share of the time of training, as in gallery.Options.
func (a *app) observers(share float64) []train.Observer {
	return []train.Observer{
		live.New(),
		terminal.New(a.out, a.flagOf),
		gallery.New(gallery.Options{OptionName: a.flagOf, Commands: nextCommands, ModelOptions: a.modelOptions, Share: share}),
	}
}

// modelOptions returns the options of the model of a run, as flags with their values and help texts; none if the kind is not known.
func (a *app) modelOptions(c *runlog.Config) []viz.KV {
	k, err := a.Models.Kind(c.Kind)
	if err != nil {
		return nil
	}
	cfg, err := k.Decode(c.Model)
	if err != nil {
		return nil
	}
	var options []viz.KV
	for _, f := range model.Flags(cfg) {
		options = append(options, viz.KV{Key: "--" + f.Name, Value: f.String(), Note: f.Help})
	}
	return options
}

// nextCommands returns the commands that a report proposes, with what each does.
func nextCommands(s *gallery.Snapshot) []viz.KV {
	run := s.View().Run()
	dir := screen.ShellName(run.Dir)
	resume := "imago train " + screen.ShellName(run.Config.Recipe) + " --resume " + dir
	next := []viz.KV{{Key: "Continue the training", Value: resume}}
	if s.View().StoppedEarly() != "" {
		next[0] = viz.KV{Key: "Train on, with twice the patience", Value: fmt.Sprintf("%s --patience %d", resume, 2*run.Config.Patience)}
	} else if s.View().Finished() {
		next[0] = viz.KV{Key: "Train on, to twice the length", Value: resume + " " + longer(&run.Config)}
	}
	if s.HasPrior() {
		next = append(next, viz.KV{Key: "Generate 64 images", Value: "imago sample " + dir + " -n 64"})
	}
	if s.HasPlane() {
		next = append(next, viz.KV{Key: "Draw what the codes of a plane decode to", Value: "imago manifold " + dir})
	}
	if s.HasEncoder() {
		next = append(next, viz.KV{Key: "Draw the codes of the test images", Value: "imago scatter " + dir})
	}
	for i := range next {
		next[i].Key = medium.Reword(s.Session().Item(), next[i].Key)
	}
	return append(next,
		viz.KV{Key: "Measure more", Value: "imago eval " + dir},
		viz.KV{Key: "Follow runs in TensorBoard", Value: "tensorboard --logdir " + screen.ShellName(run.Path(runlog.EventsDir))})
}

// longer returns the option that resumes a complete run for twice its length.
func longer(c *runlog.Config) string {
	if c.BySteps() {
		return fmt.Sprintf("--steps %d", 2*c.Steps)
	}
	return fmt.Sprintf("--epochs %d", 2*c.Epochs)
}
