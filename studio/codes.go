package studio

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/train/keep"
)

// The parts of a set.
const (
	trainPart = "train"
	testPart  = "test"
)

// mostCodes is the most items that are encoded for a page, and mostUnits the most units of a code that it is sent.
const (
	mostCodes = 100_000
	mostUnits = 64
)

// codes are the codes of items of a set.
type codes struct {
	part        string // of the set
	index       []int  // of each item in its part
	units       int
	mean        []float32
	logVar      []float32 // nil of a deterministic model
	labels      []int32   // nil of a set without classes
	attributes  []uint8
	names       []string // of the attributes
	classes     []string
	once        sync.Once         // makes binary
	binary      []byte            // as the page reads them
	projections map[string][]byte // by kind
	components  string            // of that by PCA, as JSON
}

// mostNames is of how many classes the page is told the names: so many have a colour.
const mostNames = 100

// A codesCache has the codes that were used last, and notes which are being computed.
type codesCache struct {
	mu   sync.Mutex
	busy map[string]bool
	by   map[string]*codes
	keys []string // of by, the one used last first
}

// mostKept is of how many models the codes are kept.
const mostKept = 6

func newCodesCache() *codesCache {
	return &codesCache{busy: map[string]bool{}, by: map[string]*codes{}}
}

// get returns codes that are kept, or nil.
func (c *codesCache) get(key string) *codes {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[key]
}

// put keeps codes, and drops those that were put first where there are too many.
func (c *codesCache) put(key string, of *codes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[key] = of
	c.keys = slices.Insert(slices.DeleteFunc(c.keys, func(k string) bool { return k == key }), 0, key)
	if len(c.keys) > mostKept {
		delete(c.by, c.keys[mostKept])
		c.keys = c.keys[:mostKept]
	}
}

// codesKey returns by what the codes of a model are kept. Those of a training as it goes are of the weights for which they were asked
// last: the items stay where they were until they are encoded again.
func (m *loaded) codesKey() string {
	if m.at == atLive {
		return m.id + "\x00" + atLive
	}
	return fmt.Sprintf("%s\x00%s\x00%d", m.id, m.at, m.Step)
}

// knownCodes returns the codes of a model that are known: those that were computed here, else those that are saved with the run.
func (s *Studio) knownCodes(m *loaded) (*codes, error) {
	if c := s.codes.get(m.codesKey()); c != nil || m.Run == "" || m.Model().Encode == nil {
		return c, nil
	}
	k, err := keep.OpenCodes(disk.At(m.Run), m.Session)
	if keep.IsStale(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &codes{part: trainPart, units: m.Latent(), mean: k.Mean, logVar: k.LogVar, labels: k.Set.Train.Labels, attributes: k.Set.Train.Attributes, names: k.Set.Attributes, classes: k.Set.Classes}
	n := k.Set.Train.Len()
	for i := range n {
		c.index = append(c.index, spaced(i, n, m.Config.Data.Train))
	}
	s.codes.put(m.codesKey(), c)
	return c, nil
}

// spaced returns the index of the i-th of n items that are evenly spaced among all: as data.Split.EvenlySpaced.
func spaced(i, n, all int) int { return int(int64(i) * int64(all) / int64(max(1, n))) }

// getCodes answers with the codes of items.
func (s *Studio) getCodes(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	c, err := s.codesOf(m)
	if f := (*fault)(nil); errors.As(err, &f) && f.status == http.StatusConflict { // a browser writes each fault to its console, and this is none
		w.Header().Set("Imago-Why", url.PathEscape(f.Title))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err != nil {
		return err
	}
	p, err := m.pageOf()
	if err != nil {
		p = &pageModel{}
	}
	c.once.Do(func() { c.binary = c.encode(m) })
	b := c.binary
	w.Header().Set("Imago-Set", c.part)
	for header, names := range map[string][]string{"Imago-Attributes": c.names, "Imago-Classes": c.classes[:min(len(c.classes), mostNames)]} {
		b, err := json.Marshal(append([]string{}, names...))
		if err != nil {
			return fmt.Errorf("studio: %w", err)
		}
		w.Header().Set(header, url.PathEscape(string(b)))
	}
	if unchanged(w, r, digest(b)+p.version) {
		return nil
	}
	return writeBytes(w, "application/octet-stream", b)
}

// codesOf returns the codes of a model, or says how to get them.
func (s *Studio) codesOf(m *loaded) (*codes, error) {
	if m.Model().Encode == nil {
		return nil, faultf(http.StatusConflict, "this model has no encoder, so no item has a code")
	}
	c, err := s.knownCodes(m)
	if err != nil {
		return nil, err
	}
	if c == nil {
		s.codes.mu.Lock()
		busy := s.codes.busy[m.codesKey()]
		s.codes.mu.Unlock()
		if busy {
			return nil, faultf(http.StatusConflict, "the codes are being computed")
		}
		return nil, faultf(http.StatusConflict, "the codes of these weights are not known yet")
	}
	return c, nil
}

// encode returns codes as the page reads them.
func (c *codes) encode(m *loaded) []byte {
	order := make([]int, c.units)
	for i := range order {
		order[i] = i
	}
	x, y := 0, min(1, c.units-1)
	ranking := m.RankCodes(c.mean, c.logVar)
	if u, err := keep.OpenUnits(disk.At(m.Run), c.units); err == nil && m.Run != "" {
		ranking = &u.Ranking
	}
	if c.units > 2 {
		plane := ranking.Plane()
		x, y = plane.X, plane.Y
	}
	if c.units > mostUnits { // the most important ones, in their own order
		order = slices.Clone(ranking.Order()[:mostUnits])
		slices.Sort(order)
		x, y = slices.Index(order, x), slices.Index(order, y)
	}
	n, a := len(c.index), len(c.names)
	b := make([]byte, 0, 20+n*(4*len(order)+8+a))
	for _, v := range []int{n, len(order), x, y, a} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	for i := range n {
		for _, u := range order {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.mean[i*c.units+u]))
		}
	}
	for i := range n {
		class := int32(-1)
		if c.labels != nil {
			class = c.labels[i]
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(class))
	}
	if a > 0 && len(c.attributes) == n*a {
		b = append(b, c.attributes...)
	} else {
		b = append(b, make([]byte, n*a)...)
	}
	for _, i := range c.index {
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
	}
	return b
}

// postCodes starts computing the codes of the test items of a run.
func (s *Studio) postCodes(w http.ResponseWriter, r *http.Request) error {
	run, m, err := s.at(r)
	if err != nil {
		return err
	}
	if m.Model().Encode == nil {
		return faultf(http.StatusConflict, "this model has no encoder, so no item has a code")
	}
	s.codes.mu.Lock()
	busy := s.codes.busy[m.codesKey()]
	s.codes.busy[m.codesKey()] = true
	s.codes.mu.Unlock()
	if !busy {
		s.work.Go(func() {
			err := s.computeCodes(s.ctx, m)
			s.codes.mu.Lock()
			delete(s.codes.busy, m.codesKey())
			s.codes.mu.Unlock()
			if err != nil && s.ctx.Err() == nil {
				s.logf("codes of %s: %s", run.id, s.text(err))
			}
			s.events.send(event{Type: "codes", ID: run.id})
		})
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// computeCodes encodes the test items of the run of a model, or up to mostCodes training items of a run without.
func (s *Studio) computeCodes(ctx context.Context, m *loaded) error {
	set, err := s.sets.open(ctx, m.Config.Data, m.Item())
	if err != nil {
		return err
	}
	part, split := testPart, set.Test
	if split.Len() == 0 {
		part, split = trainPart, set.Train
	}
	all := split.Len()
	n := min(all, mostCodes)
	if err := memory.Check(8*int64(n)*int64(m.Latent()), "the codes of %d items", n); err != nil {
		return err
	}
	some, err := split.EvenlySpaced(n)
	if err != nil {
		return err
	}
	mean, logVar, err := m.EncodeMeans(ctx, set.Labelled(some))
	if err != nil {
		return err
	}
	c := &codes{part: part, units: m.Latent(), mean: mean, logVar: logVar, labels: some.Labels, attributes: some.Attributes, names: set.Attributes, classes: set.Classes}
	for i := range n {
		c.index = append(c.index, spaced(i, n, all))
	}
	s.codes.put(m.codesKey(), c)
	return nil
}
