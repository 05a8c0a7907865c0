package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/fault"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
)

// keepWith saves with a run, whose training has ended, what later commands need of its training data. It warns if that
// fails: the run is complete without it. Of another checkpoint than the best nothing is saved.
func (a *app) keepWith(ctx context.Context, run *runlog.Run, be backend.Backend, set *data.Set, done keep.Progress) {
	p := newProgress(a.err)
	defer p.end()
	p.set("saving a detector and codes with the run", 0, 1, "step")
	t, err := train.OpenModel(run.Dir, &a.Models, be)
	if err == nil {
		err = errors.Join(t.Warnings...)
	}
	if err == nil {
		err = keep.After(ctx, run.Folder(), t.Session, set, done)
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

// trainingItems returns n training items of the set that the flags name, evenly spaced, 0 meaning all, which encode is
// still to be called for. If the training data of the run is not there, they are the codes that were saved with the run.
func (a *app) trainingItems(c *cobra.Command, m *trainedModel, s *setFlags, n int) (*trainingCodes, error) {
	s.learns = true
	set, _, err := a.openSplit(c, m, s)
	if err != nil {
		if kept := a.keptCodes(m, s, err); kept != nil {
			return kept, nil
		}
		return nil, err
	}
	split, err := set.Train.EvenlySpaced(n)
	return &trainingCodes{set: set, split: split}, err
}

// encode computes the codes unless they are known.
func (k *trainingCodes) encode(ctx context.Context, a *app, m *trainedModel) (err error) {
	if k.mean != nil {
		return nil
	}
	fmt.Fprintf(a.err, "encoding %s of %s\n", english.Plural(k.split.Len(), "train "+m.noun()), k.set.Name)
	k.mean, k.logVar, err = m.EncodeMeans(ctx, k.set.Labelled(k.split))
	return err
}

// encodeTraining returns the codes of n training items of set, evenly spaced; 0 means all.
func (a *app) encodeTraining(ctx context.Context, m *trainedModel, set *data.Set, n int) (*trainingCodes, error) {
	split, err := set.Train.EvenlySpaced(n)
	if err != nil {
		return nil, err
	}
	k := &trainingCodes{set: set, split: split}
	return k, k.encode(ctx, a, m)
}

// openEncoded returns the trained model and the codes of n items of the part of a set that the flags name, evenly
// spaced, 0 meaning all, and says how many of what they are. If the data of the run is not there, they are the codes
// that were saved with the run. The caller closes the model.
func (a *app) openEncoded(c *cobra.Command, args []string, from *modelSource, s *setFlags, n int) (m *trainedModel, k *trainingCodes, what string, err error) {
	if err := s.check(); err != nil {
		return nil, nil, "", usage(c, err)
	}
	if m, err = a.open(c, args, from); err != nil {
		return nil, nil, "", err
	}
	opened := m // a return of an error sets m to nil
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	set, split, err := a.openSplit(c, m, s)
	if err != nil {
		if k = a.keptCodes(m, s, err); k == nil {
			return nil, nil, "", err
		}
		if k.split, err = k.split.EvenlySpaced(n); err != nil {
			return nil, nil, "", err
		}
		if k.mean, err = data.AllFloats(c.Context(), k.split.Items); err != nil { // the items are codes
			return nil, nil, "", err
		}
		return m, k, english.Plural(k.split.Len(), "training "+m.noun()) + " saved with the run", nil
	}
	all := split.Len()
	if split, err = split.EvenlySpaced(n); err != nil {
		return nil, nil, "", err
	}
	what = s.items(m, split.Len())
	if split.Len() < all {
		what = fmt.Sprintf("%s of %s", thousands(split.Len()), s.items(m, all))
	}
	k = &trainingCodes{set: set, split: split}
	k.mean, err = a.encodeSplit(c.Context(), m, set, split, what)
	return m, k, what, err
}

// keptCodes returns the codes that were saved with the run of m, in place of the run's own set, which could not be opened
// because of missing; nil if there are none, if the user named another set, or if the set is there but the system fails to
// read it.
func (a *app) keptCodes(m *trainedModel, s *setFlags, missing error) *trainingCodes {
	if s.data != "" || !m.isRun || fault.OfSystem(missing) {
		return nil
	}
	kept, err := keep.OpenCodes(disk.At(m.name), m.Session)
	if err != nil {
		return nil
	}
	a.warn("the training data is not there (%s): using the codes of %s saved with %s", a.errorText(missing), english.Plural(kept.Set.Train.Len(), "training "+m.noun()), m.name)
	return &trainingCodes{kept.Set, kept.Set.Train, kept.Mean, kept.LogVar}
}
