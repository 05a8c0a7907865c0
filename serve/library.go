package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/serve/batch"
	"github.com/imago-ml/imago/serve/problem"
	"github.com/imago-ml/imago/train"
)

// A Source opens a trained model on a device, each time that it is loaded.
type Source func(be backend.Backend) (*train.Trained, error)

// LibraryOptions are the settings of a Library.
type LibraryOptions struct {
	Backend func() backend.Backend // a device for each model; the Library closes it
	// Memory is how many bytes loaded models may take, with their compiled programs; 0 = half of
	// the memory budget of the process.
	Memory int64
	Batch  batch.Options // of each function of each model; Observe is the Server's
}

// An Observer is told of a batch: of which model and function, the rows and the size of the program, and how
// long it ran.
type Observer func(model, function string, rows, size int, took time.Duration)

// A Library is trained models by name, of which those are loaded that are used. When a model is needed
// and the others take too much memory, those that were not used for the longest time are dropped; they
// are loaded again when they are asked for. Its methods are safe for concurrent use.
type Library struct {
	opt      LibraryOptions
	observer atomic.Pointer[Observer]

	mu      sync.Mutex
	entries []*entry // in the order in which they were added
	clock   int64
	freed   chan struct{} // closed, and made anew, when a model is not used any more
	loads   int64
	drops   int64
	closed  bool
}

// An entry is a model of a library, loaded or not.
type entry struct {
	name   string
	source Source
	about  About
	bytes  int64 // when it was loaded last

	loading sync.Mutex // held by who loads it
	model   *Model     // or nil
	users   int
	used    int64
}

// NewLibrary returns an empty library.
func NewLibrary(opt LibraryOptions) *Library {
	if opt.Memory <= 0 {
		opt.Memory = memory.Limit() / 2
	}
	return &Library{opt: opt, freed: make(chan struct{})}
}

// Add adds a model, and loads it to see that it can be: it fails if that fails, if there is a model of
// that name, or if the model alone takes more memory than all may.
func (l *Library) Add(ctx context.Context, name string, source Source) error {
	if err := checkName(name); err != nil {
		return err
	}
	l.mu.Lock()
	if l.find(name) != nil {
		l.mu.Unlock()
		return fmt.Errorf("serve: two models are called %q: give one another name", name)
	}
	e := &entry{name: name, source: source}
	l.entries = append(l.entries, e)
	l.mu.Unlock()
	_, release, err := l.Open(ctx, name)
	if err != nil {
		l.Remove(name)
		return err
	}
	release()
	return nil
}

// checkName returns an error if a name cannot be a part of an address.
func checkName(name string) error {
	if name == "" || len(name) > 100 || name[0] == '.' || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
		return fmt.Errorf("serve: a model called %q: want up to 100 letters, digits, dots, hyphens and underscores, and no dot first", name)
	}
	return nil
}

// Remove takes a model out. Those who use it go on.
func (l *Library) Remove(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.find(name); e != nil {
		l.entries = slices.DeleteFunc(l.entries, func(x *entry) bool { return x == e })
		if e.users == 0 {
			l.drop(e)
		}
	}
}

// find returns the entry of a name, or nil. The caller holds mu.
func (l *Library) find(name string) *entry {
	for _, e := range l.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}

// Names returns the names of the models, in the order in which they were added.
func (l *Library) Names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, e := range l.entries {
		names = append(names, e.name)
	}
	return names
}

// An About says what a model is and can do, loaded or not.
type About struct {
	Name        string   `json:"name"`
	Recipe      string   `json:"recipe"`
	Data        string   `json:"data,omitempty"` // the name of the set it was trained on
	Step        int64    `json:"step"`           // optimiser updates of its training
	Fingerprint string   `json:"fingerprint"`    // of the weights
	Medium      string   `json:"medium"`
	Shape       []int    `json:"shape"`                // of an item
	Latent      int      `json:"latent"`               // units of a code; 0 = it has none
	Labels      []string `json:"labels,omitempty"`     // classes or attributes that it takes
	Attributes  []string `json:"attributes,omitempty"` // that /edit takes by name
	Can         []string `json:"can"`                  // sample, decode, encode, reconstruct, interpolate, edit, score
	Loaded      bool     `json:"loaded"`
	Bytes       int64    `json:"bytes"` // of memory that it takes when it is loaded
}

// About returns what each model is.
func (l *Library) About() []About {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []About
	for _, e := range l.entries {
		all = append(all, e.now())
	}
	return all
}

// now returns what is known of a model. The caller holds mu of the library.
func (e *entry) now() About {
	a := e.about
	a.Loaded, a.Bytes = e.model != nil, e.size()
	return a
}

// size returns the bytes of memory that a model takes, or took when it was loaded.
func (e *entry) size() int64 {
	if e.model != nil {
		e.bytes = max(e.bytes, e.model.bytes())
	}
	return e.bytes
}

// notFound returns the problem of a name that no model has.
func notFound(name string, names []string) error {
	p := problem.New(http.StatusNotFound, "no model %q%s; there is %s", name, data.DidYouMean(name, names), strings.Join(names, ", "))
	return p.Of("model", name)
}

// Open returns a loaded model, which stays so until release is called. It waits while models that are in
// use leave no room. It fails with a problem if there is no such model, or no room until ctx ends.
func (l *Library) Open(ctx context.Context, name string) (m *Model, release func(), err error) {
	l.mu.Lock()
	e := l.find(name)
	if e == nil || l.closed {
		l.mu.Unlock()
		return nil, nil, notFound(name, l.Names())
	}
	l.clock++
	e.used = l.clock
	e.users++
	m = e.model
	l.mu.Unlock()
	if m == nil {
		if m, err = l.load(ctx, e); err != nil {
			l.release(e)
			return nil, nil, err
		}
	}
	return m, sync.OnceFunc(func() { l.release(e) }), nil
}

// release ends the use of a model. What takes too much memory is dropped.
func (l *Library) release(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.users--
	if e.users > 0 {
		return
	}
	if l.closed || l.find(e.name) != e {
		l.drop(e)
	}
	l.makeRoom(0)
	close(l.freed)
	l.freed = make(chan struct{})
}

// load loads a model that its caller uses.
func (l *Library) load(ctx context.Context, e *entry) (*Model, error) {
	e.loading.Lock()
	defer e.loading.Unlock()
	for {
		l.mu.Lock()
		if e.model != nil {
			l.mu.Unlock()
			return e.model, nil
		}
		room, freed := l.makeRoom(e.bytes), l.freed
		l.mu.Unlock()
		if room {
			break
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, problem.New(http.StatusServiceUnavailable, "no memory for %s beside the models in use, of %s in all", e.name, memory.Bytes(l.opt.Memory)).
				Of("model", e.name).After(time.Second)
		}
	}
	be := l.opt.Backend()
	t, err := e.source(be)
	var m *Model
	if err == nil {
		m, err = newModel(e.name, t, be, l.opt.Batch, l.tell)
	}
	if err != nil {
		be.Close()
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if need := m.bytes(); need > l.opt.Memory {
		be.Close()
		return nil, fmt.Errorf("serve: %s takes %s of memory, and all models may take %s: allow more", e.name, memory.Bytes(need), memory.Bytes(l.opt.Memory))
	}
	e.model, e.about = m, m.about
	l.loads++
	l.makeRoom(0)
	return m, nil
}

// makeRoom drops models until bytes more fit, those first that were not used for the longest time, and
// reports whether they do. The caller holds mu.
func (l *Library) makeRoom(bytes int64) bool {
	for {
		var sum int64
		var oldest *entry
		for _, e := range l.entries {
			if e.model == nil {
				continue
			}
			sum += e.size()
			if e.users == 0 && (oldest == nil || e.used < oldest.used) {
				oldest = e
			}
		}
		switch {
		case sum+bytes <= l.opt.Memory:
			return true
		case oldest == nil:
			return sum == 0
		}
		l.drop(oldest)
		l.drops++
	}
}

// drop ends a model that nobody uses. The caller holds mu.
func (l *Library) drop(e *entry) {
	if e.model != nil {
		e.size()
		e.model.be.Close()
		e.model = nil
	}
}

// inUse returns the models that are loaded, the memory that they take, and how often one was loaded and
// dropped.
func (l *Library) inUse() (models int, bytes, loads, drops int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.model != nil {
			models, bytes = models+1, bytes+e.size()
		}
	}
	return models, bytes, l.loads, l.drops
}

// Close drops all models, those in use when they are released.
func (l *Library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errors.New("serve: the library is closed already")
	}
	l.closed = true
	for _, e := range l.entries {
		if e.users == 0 {
			l.drop(e)
		}
	}
	return nil
}

// observe makes the library tell o of its batches, also of models that are loaded.
func (l *Library) observe(o Observer) { l.observer.Store(&o) }

// tell passes a batch on.
func (l *Library) tell(model, function string, rows, size int, took time.Duration) {
	if o := l.observer.Load(); o != nil {
		(*o)(model, function, rows, size, took)
	}
}

// eachWaiting yields the rows that wait for each loaded model.
func (l *Library) eachWaiting(yield func(value float64, labels ...string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.model != nil {
			yield(float64(e.model.waiting()), e.name)
		}
	}
}
