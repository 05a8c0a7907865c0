package studio

import (
	"math"
	"net/http"
	"slices"
	"sort"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train/runlog"
)

// Curves are the numbers of a log, in columns. Lines of intervals are left out: their means are those of the lines of steps.
type Curves struct {
	Steps  *Series `json:"steps"`
	Epochs *Series `json:"epochs"`
	Every  int     `json:"every"` // one of so many lines of steps is here

	EveryEpoch int `json:"everyEpoch"` // and one of so many lines of epochs
}

// A Series is lines of a kind: element i of each list is of line i.
type Series struct {
	Step       []int64             `json:"step"`
	Epoch      []int               `json:"epoch"`
	Seconds    []number            `json:"seconds"` // of training since the start of the run
	Train      map[string][]number `json:"train"`
	Test       map[string][]number `json:"test"`
	Validation map[string][]number `json:"validation"`
	UnitKL     [][]number          `json:"unitKL"`
}

// The numbers of points of an answer.
const (
	usualPoints = 2000
	mostPoints  = 20000
)

// getCurves answers with the curves of a run.
func (s *Studio) getCurves(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		return err
	}
	points, err := queryInt(r, "points", usualPoints, 2, mostPoints)
	if err != nil {
		return err
	}
	from, err := queryInt(r, "from", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	to, err := queryInt(r, "to", 1<<62, 0, 1<<62)
	if err != nil {
		return err
	}
	run.mu.Lock()
	steps, epochs, seconds := slices.Clone(run.log.steps), slices.Clone(run.log.epochs), slices.Clone(run.seconds)
	run.mu.Unlock()
	c := &Curves{Steps: newSeries(), Epochs: newSeries(), Every: 1, EveryEpoch: 1}
	if len(steps)+len(epochs) > 0 {
		f, err := run.folder.Open(runlog.MetricsFile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := c.fill(f, steps, epochs, seconds, int64(from), int64(to), points); err != nil {
			return err
		}
	}
	return writeJSON(w, c)
}

// fill reads the lines that begin at these places of a log, those of steps from … to. seconds are of training until the end of
// each epoch.
func (c *Curves) fill(f disk.File, steps, epochs []int64, seconds []float64, from, to int64, points int) error {
	times := newTimes()
	c.EveryEpoch = max(1, (len(epochs)+mostPoints-1)/mostPoints)
	for i := 0; i < len(epochs); i += c.EveryEpoch {
		if rest := len(epochs) - 1 - i; rest > 0 && rest < c.EveryEpoch {
			i = len(epochs) - 1 // the last line is always there
		}
		l, err := lineAt(f, epochs[i])
		if err != nil {
			return err
		}
		times.add(l.Images, seconds[i])
		if l.Step >= from && l.Step <= to {
			c.Epochs.add(&l, seconds[i])
		}
	}
	steps, err := between(f, steps, from, to)
	if err != nil {
		return err
	}
	c.Every = max(1, (len(steps)+points-1)/points)
	for i := 0; i < len(steps); i += c.Every {
		if rest := len(steps) - 1 - i; rest > 0 && rest < c.Every {
			i = len(steps) - 1 // the last line is always there
		}
		l, err := lineAt(f, steps[i])
		if err != nil {
			return err
		}
		c.Steps.add(&l, times.at(&l))
	}
	c.Epochs.complete()
	c.Steps.complete()
	return nil
}

// between returns the places of the lines of steps from … to. Steps grow along a log.
func between(f disk.File, places []int64, from, to int64) ([]int64, error) {
	if from <= 0 && to == 1<<62 {
		return places, nil
	}
	var fault error
	stepOf := func(i int) int64 {
		l, err := lineAt(f, places[i])
		if err != nil {
			fault = err
		}
		return l.Step
	}
	low := sort.Search(len(places), func(i int) bool { return stepOf(i) >= from })
	high := sort.Search(len(places), func(i int) bool { return stepOf(i) > to })
	return places[low:max(low, high)], fault
}

// newSeries returns an empty series, whose JSON has no null.
func newSeries() *Series {
	return &Series{Step: []int64{}, Epoch: []int{}, Seconds: []number{}, Train: map[string][]number{}, Test: map[string][]number{}, Validation: map[string][]number{}, UnitKL: [][]number{}}
}

// add appends a line. A metric that lines before did not have is NaN in them.
func (c *Series) add(l *runlog.Line, seconds float64) {
	n := len(c.Step)
	c.Step, c.Epoch, c.Seconds = append(c.Step, l.Step), append(c.Epoch, l.Epoch), append(c.Seconds, number(seconds))
	c.UnitKL = append(c.UnitKL, numbers(l.UnitKL))
	for _, p := range []struct {
		to   map[string][]number
		from map[string]float64
	}{{c.Train, l.Train}, {c.Test, l.Test}, {c.Validation, l.Validation}} {
		for name, v := range p.from {
			p.to[name] = append(padded(p.to[name], n), number(v))
		}
	}
	for name, v := range l.Generated {
		c.Train[name] = append(padded(c.Train[name], n), number(v))
	}
}

// complete makes all columns as long as the series.
func (c *Series) complete() {
	for _, part := range []map[string][]number{c.Train, c.Test, c.Validation} {
		for name, v := range part {
			part[name] = padded(v, len(c.Step))
		}
	}
}

// padded returns a column of n values, those that are missing NaN.
func padded(v []number, n int) []number {
	for len(v) < n {
		v = append(v, number(math.NaN()))
	}
	return v
}

// numbers returns values as JSON has them, [] for none.
func numbers(v []float64) []number {
	out := make([]number, len(v))
	for i, x := range v {
		out[i] = number(x)
	}
	return out
}

// times says how many seconds of training a number of items took: the lines of epochs say it, and between two of them it grows
// evenly.
type times struct {
	images  []int64
	seconds []float64
}

func newTimes() *times { return &times{[]int64{0}, []float64{0}} }

func (t *times) add(images int64, seconds float64) {
	t.images, t.seconds = append(t.images, images), append(t.seconds, seconds)
}

// at returns the seconds at a line of steps.
func (t *times) at(l *runlog.Line) float64 {
	i := sort.Search(len(t.images), func(i int) bool { return t.images[i] >= l.Images })
	switch {
	case i == 0:
		return 0
	case i == len(t.images): // of the epoch in progress, at the speed of the line
		i--
		if l.ImagesPerSec > 0 {
			return t.seconds[i] + float64(l.Images-t.images[i])/l.ImagesPerSec
		}
		return t.seconds[i]
	}
	part := float64(l.Images-t.images[i-1]) / float64(t.images[i]-t.images[i-1])
	return t.seconds[i-1] + part*(t.seconds[i]-t.seconds[i-1])
}
