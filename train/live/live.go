// Package live writes the weights of a model while it is trained, for those who watch it learn:
//
//	job.Observers = append(job.Observers, live.New())
//
// Who watches a run makes the file live/watch (Watch) in its folder, and again at least every 10 seconds. While that file is
// younger, live/weights.safetensors (Weights) is at most two seconds older than the training: a file of weights as package ckpt
// reads it, which is replaced whole. It is not synced: it is worth nothing after a power cut. Both files are removed at the end.
//
// Promises. With nobody watching, a step costs the reading of one number, and twice a second a file is looked for. With somebody
// watching, a step in two seconds is held up while the parameters are copied. The run is the same, bit for bit. What goes wrong here
// disturbs no training: who watches sees that nothing new comes.
//
// The package must not know who watches.
package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// The files, in the folder of a run.
const (
	Folder  = "live"
	Weights = "live/" + ckpt.WeightsFile
	Watch   = "live/watch"
)

const (
	watchEvery = 500 * time.Millisecond // between two looks for Watch
	watchAge   = 10 * time.Second       // at which nobody watches any more
	writeEvery = 2 * time.Second        // between two writings
)

// An Observer writes the weights of one run.
type Observer struct {
	train.Base
	run    disk.Folder
	config json.RawMessage
	recipe string

	watched atomic.Bool   // somebody wants the weights
	writing atomic.Bool   // those of before are not yet written
	copied  chan snapshot // to be written
	last    time.Time     // when weights were copied

	stop context.CancelFunc
	work sync.WaitGroup
}

// A snapshot is the weights after a step.
type snapshot struct {
	step    int64
	weights map[string]*tensor.Tensor
}

// New returns an observer for one run.
func New() *Observer { return &Observer{copied: make(chan snapshot, 1)} }

// Start begins to look for those who watch.
func (o *Observer) Start(_ context.Context, v *train.View) error {
	c := v.Run().Config
	config, err := c.Encode("")
	if err != nil {
		return err
	}
	o.run, o.config, o.recipe = v.Run().Folder(), config, c.Recipe
	if err := o.run.Remove(Weights); err != nil && !errors.Is(err, fs.ErrNotExist) { // those of a process that was killed
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.stop = cancel
	o.work.Go(func() { o.follow(ctx) })
	return nil
}

// follow looks for those who watch, and writes what was copied for them, until ctx ends.
func (o *Observer) follow(ctx context.Context) {
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-o.copied:
			_ = o.write(s) // the next ones may be written again
			o.writing.Store(false)
		case <-look.C:
			st, err := o.run.Stat(Watch)
			o.watched.Store(err == nil && time.Since(st.ModTime()) < watchAge)
		}
	}
}

// Step copies the weights if somebody watches and the last copy is two seconds old.
func (o *Observer) Step(v *train.View, _ train.Step) {
	if !o.watched.Load() || o.writing.Load() {
		return
	}
	now := time.Now()
	if now.Sub(o.last) < writeEvery {
		return
	}
	o.last = now
	s := snapshot{v.Step(), map[string]*tensor.Tensor{}}
	runner := v.Session().Runner()
	for _, p := range v.Model().Params {
		t, err := runner.Get(p.Name)
		if err != nil {
			return
		}
		s.weights[p.Name] = t
	}
	o.writing.Store(true)
	o.copied <- s // there is room: nothing is being written
}

// write replaces the file of the weights.
func (o *Observer) write(s snapshot) error {
	c := &ckpt.Checkpoint{State: ckpt.State{Recipe: o.recipe, Config: o.config, Step: s.step}, Weights: s.weights}
	c.State.Imago, _ = runlog.Versions()
	tmp := path.Join(Folder, disk.TempName(ckpt.WeightsFile))
	f, err := o.run.Create(tmp)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<18)
	err = ckpt.EncodeWeights(w, c)
	if err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = o.run.Rename(tmp, Weights)
	}
	if err != nil {
		return errors.Join(err, o.run.Remove(tmp))
	}
	return nil
}

// Done removes the files: the checkpoints have what is left.
func (o *Observer) Done(*train.View, error) error {
	if o.stop == nil {
		return nil
	}
	o.stop()
	o.work.Wait()
	_ = o.run.RemoveAll(Folder) // what stays is in nobody's way: a run that is not trained has no live weights
	return nil
}
