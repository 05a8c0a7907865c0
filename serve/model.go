package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/serve/batch"
	"github.com/imago-ml/imago/serve/problem"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
)

// N items or codes, Z latent units, K labels, in every comment of this package.

// A Model is a loaded model of a Library. Its methods are safe for concurrent use.
type Model struct {
	*train.Trained
	about   About
	be      backend.Backend
	labels  []string // names of the K labels
	weights int64    // bytes

	decode, encode, reconstruct *function

	mu         sync.Mutex
	codes      *keep.Codes       // nil = none is kept with the run
	detector   *anomaly.Detector // nil = none
	noDetector error             // why
	directions map[string]latent.Direction
}

// A function is one that batches of several callers are made for. It is compiled when it is first used.
type function struct {
	build model.Function
	opt   batch.Options
	once  sync.Mutex
	q     *batch.Queue
}

// queue returns the function, compiled.
func (f *function) queue(m *Model) (*batch.Queue, error) {
	f.once.Lock()
	defer f.once.Unlock()
	if f.q == nil {
		q, err := batch.New(m.Runner(), f.build, f.opt)
		if err != nil {
			return nil, err
		}
		f.q = q
	}
	return f.q, nil
}

// compiled returns the function if it has been compiled, else nil.
func (f *function) compiled() *batch.Queue {
	if f == nil {
		return nil
	}
	f.once.Lock()
	defer f.once.Unlock()
	return f.q
}

// newModel returns a model whose decoder is compiled.
func newModel(name string, t *train.Trained, be backend.Backend, opt batch.Options, observe Observer) (*Model, error) {
	m := &Model{Trained: t, be: be, weights: 4 * int64(nn.Count(t.Model().Params)), directions: map[string]latent.Direction{}}
	fingerprint, err := t.Fingerprint()
	if err != nil {
		return nil, err
	}
	if opt.Most == 0 {
		opt.Most = 64
	}
	opt.Most = min(opt.Most, latent.BatchSize(t.Item()))
	for _, f := range []struct {
		to    **function
		build model.Function
		name  string
	}{{&m.decode, t.Model().Decode, "decode"}, {&m.encode, t.Model().Encode, "encode"}, {&m.reconstruct, t.Model().Reconstruct, "reconstruct"}} {
		if f.build != nil {
			own := opt
			own.Observe = func(rows, size int, took time.Duration) { observe(name, f.name, rows, size, took) }
			*f.to = &function{build: f.build, opt: own}
		}
	}
	if m.decode != nil {
		if _, err := m.decode.queue(m); err != nil {
			return nil, err
		}
	}
	m.labels = labelNames(t, max(t.SampleLabels(), t.DecodeLabels(), t.Input().Labels))
	m.openKept()
	m.about = About{
		Name: name, Recipe: t.Config.Recipe, Data: t.Config.Data.Name, Step: t.Step, Fingerprint: fingerprint,
		Shape: t.Item().Shape, Latent: t.Latent(), Can: m.can(),
	}
	if t.Item().Medium != nil {
		m.about.Medium = t.Item().Medium.Name()
	}
	if m.takesLabels() {
		m.about.Labels = m.labels
	}
	if m.codes != nil && m.decode != nil {
		m.about.Attributes = slices.Concat(m.codes.Set.Attributes, m.codes.Set.Classes)
	}
	return m, nil
}

// About returns what the model is.
func (m *Model) About() About { return m.about }

// labelNames returns the names of the k labels of a model: those of its set, or numbers if they are not
// known.
func labelNames(t *train.Trained, k int) []string {
	if len(t.Config.Data.Labels) == k {
		return t.Config.Data.Labels
	}
	names := make([]string, k)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// takesLabels reports whether the model is conditional.
func (m *Model) takesLabels() bool { return m.SampleLabels() > 0 || m.DecodeLabels() > 0 }

// openKept reads what is kept with the run: codes with attributes and a detector.
func (m *Model) openKept() {
	if m.Run == "" {
		m.noDetector = fmt.Errorf("it is no run: %w", fs.ErrNotExist)
		return
	}
	dir := disk.At(m.Run)
	if codes, err := keep.OpenCodes(dir, m.Session); err == nil {
		m.codes = codes
	}
	m.detector, m.noDetector = keep.OpenDetector(dir, m.Session)
	if m.noDetector != nil {
		m.detector = nil
	}
}

// can returns the names of what the model can do.
func (m *Model) can() []string {
	var can []string
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"sample", m.HasPrior()}, {"decode", m.decode != nil}, {"encode", m.encode != nil}, {"reconstruct", m.reconstruct != nil},
		{"interpolate", m.decode != nil}, {"edit", m.decode != nil}, {"score", m.detector != nil},
	} {
		if c.ok {
			can = append(can, c.name)
		}
	}
	return can
}

// bytes returns the memory that the model takes: weights, compiled programs, and kept codes.
func (m *Model) bytes() int64 {
	sum := m.weights
	for _, f := range []*function{m.decode, m.encode, m.reconstruct} {
		if q := f.compiled(); q != nil {
			sum += q.Bytes()
		}
	}
	if m.codes != nil {
		sum += 8 * int64(len(m.codes.Mean))
	}
	return sum
}

// waiting returns the rows that wait for a function of the model.
func (m *Model) waiting() int {
	n := 0
	for _, f := range []*function{m.decode, m.encode, m.reconstruct} {
		if q := f.compiled(); q != nil {
			n += q.Waiting()
		}
	}
	return n
}

// cannot returns the problem of a model that lacks a function.
func (m *Model) cannot(what string) error {
	return problem.New(http.StatusNotImplemented, "%s, a %s, cannot %s; it can %s", m.about.Name, m.about.Recipe, what, strings.Join(m.about.Can, ", ")).
		Of("model", m.about.Name)
}

// run runs a function on n rows. labels is (n, K) or nil; it is given if the function takes labels.
func (m *Model) run(ctx context.Context, f *function, what string, n int, in batch.Rows, labels []float32) (batch.Rows, error) {
	if f == nil {
		return nil, m.cannot(what)
	}
	q, err := f.queue(m)
	if err != nil {
		return nil, err
	}
	if q.Width(model.InputLabels) > 0 {
		if labels == nil {
			return nil, m.wantsLabels()
		}
		in[model.InputLabels] = labels
	}
	out, err := q.Run(ctx, n, in)
	if errors.Is(err, batch.ErrFull) {
		return nil, problem.New(http.StatusTooManyRequests, "too many items wait for %s", m.about.Name).After(time.Second)
	}
	return out, err
}

func (m *Model) wantsLabels() error {
	return problem.New(http.StatusBadRequest, "%s is conditional: want label, one of %s", m.about.Name, some(m.labels)).Of("label", "")
}

// some returns the first names of a list.
func some(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d others", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Decode returns the items of n codes, (n, Shape…); labels (n, K) are needed if the model is conditional.
func (m *Model) Decode(ctx context.Context, codes, labels []float32) ([]float32, error) {
	if m.decode == nil {
		return nil, m.cannot("decode")
	}
	out, err := m.run(ctx, m.decode, "decode", len(codes)/m.Latent(), batch.Rows{model.InputZ: codes}, labels)
	return out[model.OutputPicture], err
}

// Encode returns the mean of q(z|x) of each item, (N, Z), and ln σ², which is nil for a deterministic model.
func (m *Model) Encode(ctx context.Context, items, labels []float32) (mean, logVar []float32, err error) {
	out, err := m.run(ctx, m.encode, "encode", len(items)/m.Item().Size(), batch.Rows{model.InputX: items}, labels)
	return out[model.OutputMean], out[model.OutputLogVar], err
}

// Reconstruct returns each item as it is decoded from its code.
func (m *Model) Reconstruct(ctx context.Context, items, labels []float32) ([]float32, error) {
	out, err := m.run(ctx, m.reconstruct, "reconstruct", len(items)/m.Item().Size(), batch.Rows{model.InputX: items}, labels)
	return out[model.OutputPicture], err
}

// Sample returns n items drawn with a seed, and their codes; codes is nil if the model draws by itself.
// They are those of imago sample with that seed.
func (m *Model) Sample(ctx context.Context, seed uint64, n int, labels []float32) (items, codes []float32, err error) {
	if !m.HasPrior() {
		return nil, nil, m.cannot("sample")
	}
	if m.SampleLabels() > 0 && labels == nil {
		return nil, nil, m.wantsLabels()
	}
	key := latent.SampleKey(seed)
	if m.Model().Sample != nil { // one key is of a whole batch: the rows of others cannot be beside
		items, err = m.Session.Sample(ctx, key, n, labels)
		return items, nil, err
	}
	codes = latent.SamplePrior(key, n, m.Latent())
	items, err = m.Decode(ctx, codes, labels)
	return items, codes, err
}

// Direction returns the direction of an attribute or class in latent space, from the codes that are kept
// with the run, in a way of package latent.
func (m *Model) Direction(name, way string) (latent.Direction, error) {
	if m.codes == nil {
		return latent.Direction{}, problem.New(http.StatusNotImplemented, "no codes with attributes are kept with %s", m.about.Name).Of("attribute", name).
			Do("give a direction in place of an attribute; imago train keeps the codes of a labelled set")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := way + "\x00" + name
	if d, ok := m.directions[key]; ok {
		return d, nil
	}
	set := m.codes.Set
	t, err := set.Trait(name)
	if err != nil {
		return latent.Direction{}, problem.New(http.StatusBadRequest, "%v", err).Of("attribute", name)
	}
	d, err := m.Session.Direction(m.codes.Mean, set, set.Train, t, way)
	if err != nil {
		return d, problem.New(http.StatusBadRequest, "%s: %v", t.Name, err).Of("attribute", name)
	}
	if len(m.directions) < maxDirections { // names in other spellings are many
		m.directions[key] = d
	}
	return d, nil
}

const maxDirections = 1000

// Score returns the anomaly scores of items by the detector that is kept with the run, and the threshold of
// each score, which may be missing.
func (m *Model) Score(ctx context.Context, items []float32) ([]anomaly.Score, map[string]float64, error) {
	if m.detector == nil {
		p := problem.New(http.StatusNotImplemented, "no detector is kept with %s: it is not there or of other weights", m.about.Name).Of("model", m.about.Name)
		return nil, nil, p.Do("fit one to its run with imago anomaly fit")
	}
	values, err := data.NewValues(items, m.Item())
	if err != nil {
		return nil, nil, err
	}
	scores, err := m.detector.Score(ctx, values)
	if err != nil {
		return nil, nil, err
	}
	limits := map[string]float64{}
	for _, s := range scores {
		if t, err := m.detector.Threshold(s.Name); err == nil {
			limits[s.Name] = t.Value
		}
	}
	return scores, limits, nil
}

// draws reports whether items can be drawn as pictures of grey or red, green and blue.
func draws(it medium.Item) bool {
	_, _, c := medium.TileSize(it)
	return it.Medium != nil && (c == 1 || c == 3)
}
