package cli

import (
	"fmt"

	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/train/terminal"
	"github.com/imago-ml/imago/viz/gallery"
)

// observers returns what follows a run of the command line: the lines of the terminal, and the pictures with their report.
// share is the part of the time of training that pictures before the end may take, as in gallery.Options.
func (a *app) observers(share float64) []train.Observer {
	return []train.Observer{
		terminal.New(a.out, a.flagOf),
		gallery.New(gallery.Options{OptionName: a.flagOf, Commands: nextCommands, Share: share}),
	}
}

// nextCommands returns the commands that a report proposes.
func nextCommands(s *gallery.Snapshot) []string {
	run := s.View().Run()
	dir := run.Dir
	further := longer(&run.Config)
	if s.View().StoppedEarly() != "" {
		further = fmt.Sprintf("--patience %d", 2*run.Config.Patience)
	}
	next := []string{fmt.Sprintf("imago train %s --resume %s %s", run.Config.Recipe, dir, further)}
	if s.HasPrior() {
		next = append(next, "imago sample "+dir+" -n 64")
	}
	if s.HasPlane() {
		next = append(next, "imago manifold "+dir)
	}
	if s.HasEncoder() {
		next = append(next, "imago scatter "+dir)
	}
	return append(next, "tensorboard --logdir "+run.Path(runlog.EventsDir))
}

// longer returns the option that resumes a complete run for twice its length.
func longer(c *runlog.Config) string {
	if c.BySteps() {
		return fmt.Sprintf("--steps %d", 2*c.Steps)
	}
	return fmt.Sprintf("--epochs %d", 2*c.Epochs)
}
