package studio

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/export/page"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/live"
	"github.com/imago-ml/imago/train/runlog"
)

// The names of weights that are no checkpoint's: the best, the latest, and those of a training as it goes.
const (
	atBest   = "best"
	atLatest = "latest"
	atLive   = "live"
)

// A loaded is a trained model that is ready to be used, with what the page was given of it.
type loaded struct {
	*train.Trained
	id    string // of the run
	at    string // the name of the checkpoint, or atLive
	epoch int
	bytes int64 // of memory, about
	used  time.Time

	mu   sync.Mutex // held while what follows is made
	page *pageModel

	projecting sync.Mutex // held while codes are projected
	assessing  sync.Mutex // held while the model is quality
	quality    *quality
}

// opened are the models that were used last, as many as have room.
type opened struct {
	s       *Studio
	mu      sync.Mutex
	by      map[string]*loaded // by run, checkpoint and the time of its file
	loading map[string]*sync.Mutex
}

// The most models that are kept, and the part of the memory budget that they may take.
const (
	mostOpened   = 12
	openedBudget = 8
)

func newOpened(s *Studio) *opened {
	return &opened{s: s, by: map[string]*loaded{}, loading: map[string]*sync.Mutex{}}
}

// open returns the model of a run with the weights that at names. Those of a training are the latest that were saved until it has
// written others.
func (o *opened) open(r *runState, at string) (*loaded, error) {
	run, name, err := o.resolve(r, at)
	if err != nil {
		return nil, err
	}
	key := r.id + "\x00" + name
	file := ckpt.WeightsFile
	folder := run.Checkpoints().Sub(name)
	if name == atLive {
		folder = run.Folder().Sub(live.Folder)
	}
	st, err := folder.Stat(file)
	if err != nil {
		return nil, err
	}
	key += "\x00" + fmt.Sprint(st.ModTime().UnixNano(), st.Size())
	if m := o.get(key); m != nil {
		return m, nil
	}
	o.mu.Lock()
	lock := o.loading[r.id]
	if lock == nil {
		lock = &sync.Mutex{}
		o.loading[r.id] = lock
	}
	o.mu.Unlock()
	lock.Lock() // a model is opened once, whoever asks for it
	defer lock.Unlock()
	if m := o.get(key); m != nil {
		return m, nil
	}
	if name == atLive {
		m, err := o.openLive(r.id, run)
		if err != nil {
			return nil, err
		}
		o.put(r.id, key, m)
		return m, nil
	}
	t, err := train.OpenCheckpoint(run, name, o.s.opt.Models, o.s.be)
	if err != nil {
		return nil, err
	}
	m := o.newLoaded(r.id, name, t)
	o.put(r.id, key, m)
	return m, nil
}

// newLoaded returns a model as it is kept.
func (o *opened) newLoaded(id, at string, t *train.Trained) *loaded {
	m := &loaded{Trained: t, id: id, at: at, bytes: 32 * int64(nn.Count(t.Model().Params))} // weights, folded weights, and what runs need
	if per := t.Config.StepsPerEpoch(); per > 0 {
		m.epoch = int(t.Step / per)
	}
	return m
}

// openLive returns the model of a training as it goes: that of before with other weights, so that nothing is compiled again. What the
// page computes of it is made here, while no other weights can come. The caller holds the lock of the run.
func (o *opened) openLive(id string, run *runlog.Run) (*loaded, error) {
	o.mu.Lock()
	var before *loaded
	for k, m := range o.by {
		if m.at == atLive && strings.HasPrefix(k, id+"\x00") {
			before = m
		}
	}
	o.mu.Unlock()
	if before == nil {
		t, err := train.OpenModel(run.Path(live.Weights), o.s.opt.Models, o.s.be)
		if err != nil {
			return nil, err
		}
		m := o.newLoaded(id, atLive, t)
		_, _ = m.pageOf() // why the page cannot compute it is said where it is asked for
		return m, nil
	}
	c, err := ckpt.LoadWeights(run.Folder().Sub(live.Folder), ckpt.WeightsFile)
	if err != nil {
		return nil, err
	}
	if err := before.Runner().SetAll(maps.All(c.Weights)); err != nil {
		return nil, err
	}
	t := *before.Trained
	t.Step = c.State.Step
	m := o.newLoaded(id, atLive, &t)
	before.mu.Lock()
	known := before.page
	before.mu.Unlock()
	if known == nil {
		return m, nil
	}
	_, program, err := page.Lower(&t)
	if err != nil {
		return nil, err
	}
	m.page = &pageModel{version: known.version, json: known.json, weights: program.Weights(false)}
	m.page.tag = digest(m.page.weights)
	return m, nil
}

// resolve returns the checkpoint that at names.
func (o *opened) resolve(r *runState, at string) (run *runlog.Run, name string, err error) {
	r.mu.Lock()
	run, active := r.run, r.active
	r.mu.Unlock()
	if run == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return nil, "", faultf(http.StatusConflict, "%s", o.s.text(errors.Join(r.fault, fmt.Errorf("%s is not the folder of a run", r.id))))
	}
	if at == atLive {
		if _, err := run.Folder().Stat(live.Weights); err == nil && active {
			return run, atLive, nil
		}
		at = atLatest
	}
	names, err := ckpt.List(run.Checkpoints())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	if len(names) == 0 {
		return nil, "", faultf(http.StatusConflict, "%s has no weights yet: they are saved at the end of its first epoch, or after a minute", r.id)
	}
	switch at {
	case "", atBest:
		best, err := ckpt.Best(run.Checkpoints())
		if err != nil {
			return nil, "", err
		}
		return run, best.Name, nil
	case atLatest:
		return run, names[len(names)-1], nil
	}
	if !slices.Contains(names, at) {
		return nil, "", faultf(http.StatusNotFound, "%s has no checkpoint %q: it may have been replaced by a later one", r.id, at)
	}
	return run, at, nil
}

// get returns a model that is kept, or nil.
func (o *opened) get(key string) *loaded {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.by[key]
	if m != nil {
		m.used = time.Now()
	}
	return m
}

// put keeps a model and drops those that were not used for the longest time, as far as there is no room. Of a training only the
// newest weights are kept.
func (o *opened) put(id, key string, m *loaded) {
	o.mu.Lock()
	defer o.mu.Unlock()
	m.used = time.Now()
	if m.at == atLive {
		for k, other := range o.by {
			if other.at == atLive && strings.HasPrefix(k, id+"\x00") {
				delete(o.by, k)
			}
		}
	}
	o.by[key] = m
	for {
		var bytes int64
		oldest := key
		for k, other := range o.by {
			bytes += other.bytes
			if other.used.Before(o.by[oldest].used) {
				oldest = k
			}
		}
		if oldest == key || len(o.by) <= mostOpened && bytes <= memory.Limit()/openedBudget {
			return
		}
		delete(o.by, oldest)
	}
}

// drop forgets the models of a run that is gone.
func (o *opened) drop(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k := range o.by {
		if strings.HasPrefix(k, id+"\x00") {
			delete(o.by, k)
		}
	}
}

// liveStep returns how many steps the training had done whose weights were written last.
func (o *opened) liveStep(r *runState) (int64, error) {
	state, err := ckpt.WeightsState(r.folder.Sub(live.Folder), ckpt.WeightsFile)
	return state.Step, err
}
