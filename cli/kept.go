package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
)

// keepWith saves with a run, whose training has ended, what later commands need of its training data. It warns if that
// fails: the run is complete without it.
func (a *app) keepWith(ctx context.Context, run *runlog.Run, be backend.Backend, set *data.Set, trained int64) {
	p := newProgress(a.err)
	defer p.end()
	p.set("saving a detector and codes with the run", 0, 1, "step")
	t, err := train.OpenModel(run.Dir, &a.Models, be)
	if err == nil {
		err = keep.After(ctx, run.Dir, t.Session, set, trained)
	}
	if err != nil {
		p.end()
		a.warn("no detector or codes are saved with %s, which needs its training data to be scored by: %v", run.Dir, err)
	}
}

// A trainingCodes is the codes of training items, with the items' labels and attributes.
type trainingCodes struct {
	set          *data.Set
	split        data.Split
	mean, logVar []float32 // (N, Z); logVar nil of a deterministic model
}

// trainingCodes returns the codes of n training items of the set that the flags name, evenly spaced; 0 means all. If the
// training data of the run is not there, they are the codes that were saved with the run.
func (a *app) trainingCodes(c *cobra.Command, m *trainedModel, s *setFlags, n int) (*trainingCodes, error) {
	set, split, err := a.openTraining(c, m, s, n)
	if err != nil {
		if kept := a.keptCodes(m, s, err); kept != nil {
			return kept, nil
		}
		return nil, err
	}
	out := &trainingCodes{set: set, split: split}
	fmt.Fprintf(a.err, "encoding %s of %s\n", english.Plural(split.Len(), "train "+m.noun()), set.Name)
	out.mean, out.logVar, err = m.EncodeMeans(c.Context(), set.Labelled(split))
	return out, err
}

// keptCodes returns the codes that were saved with the run of m, if the training data of the run could not be opened
// because of missing; nil if there are none, or if the user named another set.
func (a *app) keptCodes(m *trainedModel, s *setFlags, missing error) *trainingCodes {
	if s.data != "" || !m.isRun() {
		return nil
	}
	kept, err := keep.OpenCodes(m.name, m.Session)
	if err != nil {
		return nil
	}
	fmt.Fprintf(a.err, "the training data is not there (%v): using the codes of %s saved with %s\n", missing, english.Plural(kept.Set.Train.Len(), "training "+m.noun()), m.name)
	return &trainingCodes{kept.Set, kept.Set.Train, kept.Mean, kept.LogVar}
}
