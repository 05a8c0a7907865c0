package studio

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/screen"
)

// A quality is how good a model is, as far as it has been measured.
type quality struct {
	Metrics   []metric          `json:"metrics"`
	Anomalies []anomalous       `json:"anomalies"`
	Clusters  []cluster         `json:"clusters"`
	Memorised []memorised       `json:"memorised"`
	Cannot    map[string]string `json:"cannot"`
}

type metric struct {
	Name     string  `json:"name"`
	Value    number  `json:"value"`
	Low      *number `json:"low"`
	High     *number `json:"high"`
	Protocol string  `json:"protocol"`
	Up       bool    `json:"up"`
	Step     int64   `json:"step"`
}

type anomalous struct {
	Index int    `json:"index"`
	Set   string `json:"set"`
	Score number `json:"score"`
	Class string `json:"class"`
}

type cluster struct {
	Name    string         `json:"name"`
	Share   number         `json:"share"`
	Classes map[string]int `json:"classes"`
}

type memorised struct {
	Sample   string `json:"sample"`
	Index    int    `json:"index"`
	Distance number `json:"distance"`
}

// How much is looked at.
const (
	scoredItems   = 500  // test items whose anomaly scores are ranked
	shownItems    = 24   // of them, those with the highest
	clusteredMost = 5000 // codes that are grouped
	usualClusters = 10
	comparedDraws = 8
	comparedMost  = 1 << 27 // numbers of training items that a draw is compared with
	drawsSeed     = 7
)

// getQuality answers with what is known of how good a model is.
func (s *Studio) getQuality(w http.ResponseWriter, r *http.Request) error {
	run, m, err := s.at(r)
	if err != nil {
		return err
	}
	m.assessing.Lock()
	defer m.assessing.Unlock()
	if m.quality == nil {
		j, err := s.assess(r.Context(), run, m)
		if err != nil {
			return err
		}
		if r.Context().Err() != nil {
			return r.Context().Err()
		}
		m.quality = j
	}
	out := *m.quality
	out.Metrics = run.metrics()
	if len(out.Metrics) == 0 {
		out.Cannot = map[string]string{"metrics": "Nothing was measured yet: start the measurement."}
		for k, v := range m.quality.Cannot {
			out.Cannot[k] = v
		}
	}
	return writeJSON(w, out)
}

// metrics returns what imago eval has measured of a run, with the interval in which the true value lies with 95 %.
func (r *runState) metrics() []metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []metric{}
	for _, rec := range r.records {
		m := metric{Name: rec.Name, Value: number(rec.Value), Protocol: screen.Text(joined(rec.Protocol, rec.Note)), Up: rec.Better == "higher", Step: rec.Provenance.Step}
		if rec.StdErr > 0 {
			low, high := number(rec.Value-1.96*rec.StdErr), number(rec.Value+1.96*rec.StdErr)
			m.Low, m.High = &low, &high
		}
		list = append(list, m)
	}
	return list
}

// assess computes what is computed when somebody asks for it. What is missing is no error: the page says why.
func (s *Studio) assess(ctx context.Context, run *runState, m *loaded) (*quality, error) {
	j := &quality{Anomalies: []anomalous{}, Clusters: []cluster{}, Memorised: []memorised{}, Cannot: map[string]string{}}
	set, err := s.sets.open(ctx, m.Config.Data, m.Item())
	if err != nil {
		j.Cannot["anomalies"], j.Cannot["memorised"] = s.text(err), s.text(err)
	} else {
		for part, find := range map[string]func() error{
			"anomalies": func() error { return j.findAnomalies(ctx, m, set) },
			"memorised": func() error { return j.findMemorised(ctx, run, m, set) },
		} {
			if err := find(); err != nil {
				j.Cannot[part] = s.text(err)
			}
		}
	}
	if err := j.findClusters(ctx, s, m); err != nil {
		j.Cannot["clusters"] = s.text(err)
	}
	return j, ctx.Err()
}

// findAnomalies ranks test items by their anomaly scores.
func (j *quality) findAnomalies(ctx context.Context, m *loaded, set *data.Set) error {
	d, why, err := m.detector()
	if err != nil {
		return err
	}
	if d == nil {
		return faultf(http.StatusConflict, "%s", why)
	}
	all := set.Test.Len()
	if all == 0 {
		return faultf(http.StatusConflict, "The data have no test part.")
	}
	n := min(all, scoredItems)
	some, err := set.Test.EvenlySpaced(n)
	if err != nil {
		return err
	}
	scores, err := d.Score(ctx, set.Labelled(some))
	if err != nil {
		return err
	}
	if len(scores) == 0 {
		return faultf(http.StatusConflict, "This model has no anomaly score.")
	}
	values := scoreOf(scores).Values
	for i, v := range values {
		a := anomalous{Index: spaced(i, n, all), Set: testPart, Score: number(v)}
		if some.Labels != nil && int(some.Labels[i]) < len(set.Classes) && some.Labels[i] >= 0 {
			a.Class = screen.Text(set.Classes[some.Labels[i]])
		}
		j.Anomalies = append(j.Anomalies, a)
	}
	slices.SortStableFunc(j.Anomalies, func(a, b anomalous) int { return cmp.Compare(float64(b.Score), float64(a.Score)) })
	j.Anomalies = j.Anomalies[:min(len(j.Anomalies), shownItems)]
	return nil
}

// findMemorised finds the training item that is nearest to each of some draws of a model, by the mean squared difference.
func (j *quality) findMemorised(ctx context.Context, run *runState, m *loaded, set *data.Set) error {
	if !m.HasPrior() {
		return faultf(http.StatusConflict, "This model draws nothing: its codes have no known distribution.")
	}
	draws, err := m.draw(ctx, drawsSeed, comparedDraws, -1)
	if err != nil {
		return err
	}
	all, size := set.Train.Len(), m.Item().Size()
	n := min(all, max(1, comparedMost/size))
	some, err := set.Train.EvenlySpaced(n)
	if err != nil {
		return err
	}
	near := make([]memorised, comparedDraws)
	for i := range near {
		near[i] = memorised{Sample: fmt.Sprintf("%s?seed=%d&n=%d&only=%d&at=%s", run.address("samples.png"), drawsSeed, comparedDraws, i, m.at), Distance: number(math.Inf(1))}
	}
	const block = 256
	index := make([]int32, 0, block)
	values := make([]float32, block*size)
	for at := 0; at < n; at += block {
		index = index[:0]
		for i := at; i < min(n, at+block); i++ {
			index = append(index, int32(i))
		}
		if err := data.Floats(ctx, some.Items, index, values[:len(index)*size]); err != nil {
			return err
		}
		for i := range index {
			x := values[i*size:][:size]
			for k := range near {
				if d := latent.MeanSquared(draws[k*size:][:size], x); d < float64(near[k].Distance) {
					near[k].Index, near[k].Distance = spaced(at+i, n, all), number(d)
				}
			}
		}
	}
	j.Memorised = near
	if n < all {
		j.Cannot["memorised"] = fmt.Sprintf("%d of %d training items were compared, evenly spaced.", n, all)
	}
	return nil
}

// findClusters groups the codes that are known, and says which classes are in each group.
func (j *quality) findClusters(ctx context.Context, s *Studio, m *loaded) error {
	c, err := s.codesOf(m)
	if err != nil {
		return err
	}
	n := min(len(c.index), clusteredMost)
	k := usualClusters
	if len(c.classes) > 1 {
		k = len(c.classes)
	}
	const mostFull = 64 // units, above which full covariances have too many numbers to estimate
	mean := c.mean[:n*c.units]
	d, err := latent.FitDensity(ctx, mean, nil, c.units, latent.DensityOptions{Components: k, Diagonal: c.units > mostFull, Key: rng.New(1).Split("studio")})
	if err != nil {
		return err
	}
	shares, err := d.Mixture.Responsibilities(mean)
	if err != nil {
		return err
	}
	k = len(shares) / max(1, n)
	groups := make([]cluster, k)
	sizes := make([]int, k)
	for i := range groups {
		groups[i].Classes = map[string]int{}
	}
	for i := range n {
		g := 0
		for o, p := range shares[i*k:][:k] {
			if p > shares[i*k+g] {
				g = o
			}
		}
		sizes[g]++
		if name := c.classOf(i); name != "" {
			groups[g].Classes[name]++
		}
	}
	for g := range groups {
		groups[g].Name, groups[g].Share = strconv.Itoa(g+1), number(float64(sizes[g])/float64(max(1, n)))
	}
	slices.SortStableFunc(groups, func(a, b cluster) int { return cmp.Compare(float64(b.Share), float64(a.Share)) })
	j.Clusters = groups
	return nil
}

// postQuality adds the measurement of a run to the jobs.
func (s *Studio) postQuality(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		return err
	}
	if run.fixed {
		return faultf(http.StatusConflict, "%s is a part of imago: its measurements are with it", run.id)
	}
	if s.opt.Command == nil {
		return faultf(http.StatusConflict, "this studio starts nothing")
	}
	args := []string{"eval", filepath.Join(s.opt.Folder, run.id)}
	shown := "imago eval " + screen.ShellName(filepath.Join(s.named, run.id))
	j, err := s.queue.add(&job{Job: Job{Kind: jobEval, Run: run.id, Command: strings.TrimSpace(shown)}, Args: args})
	if err != nil {
		return err
	}
	return writeJSON(w, j)
}
