package train

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// A course is a run so far, as far as it is judged by. Numbers that are not known are
// NaN: neither above nor below anything.
type course struct {
	epochs  []runlog.Line  // of the last stage; the last one is judged
	spans   []runlog.Line  // those by which a contest is judged: the epochs, or the intervals of a run that has them
	told    []string       // names of warnings
	final   bool           // the last epoch of the run
	options map[string]any // of the model and of training, by the names of their flags
	rate    float64        // learning rate before the schedule
	loss    string         // of the likelihood, as in --loss
	values  int            // D
	images  int            // to train on
	encodes bool           // images have codes
	classes []string       // those that are labels; nil if there are none
	units   int            // Z

	explained float64 // share of the test images' variance about the mean image that reconstructions explain
	entropy   float64 // Σ −x ln x − (1−x) ln(1−x) of a test image, nats
}

// courseOf returns the course of a run whose last line, of an epoch or an interval, is judged.
func courseOf(run *runlog.Config, m *model.Model, lines []runlog.Line, units int) *course {
	last := lines[len(lines)-1]
	c := &course{
		options: map[string]any{"lr": run.LR, unit(run): cmp.Or(run.Epochs, run.Steps), "schedule": cmp.Or(run.Schedule, "constant")},
		final:   run.IsLast(&last), rate: run.LR, values: run.Data.Item.Size(), units: units, explained: nan, entropy: nan,
	}
	own := map[string]any{}
	if json.Unmarshal(run.Model, &own) == nil { // the model was built from it
		for name, v := range own {
			c.options[strings.ReplaceAll(name, "_", "-")] = v
		}
	}
	c.images, c.classes = run.Data.Train, run.Data.Labels
	c.encodes = m.Encode != nil
	c.loss, _ = c.options["loss"].(string)
	if l := m.Likelihood; l != nil {
		c.loss = l.Name
	}
	for _, l := range lines {
		for _, w := range l.Warnings {
			c.told = append(c.told, w.Name)
		}
		if l.Phase != last.Phase {
			continue
		}
		if run.EndsInterval(&l) {
			c.spans = append(c.spans, l)
		}
		if l.Kind != runlog.IntervalLine {
			c.epochs = append(c.epochs, l)
		}
	}
	return c
}

func (c *course) now() runlog.Line { return c.epochs[len(c.epochs)-1] }

// test returns a term on the test images.
func (c *course) test(term string) float64 {
	if v, ok := c.now().Test["test_"+term]; ok {
		return v
	}
	return nan
}

// ways says which changes help, of those whose option there is, with its value now:
// "less --beta" becomes less --beta (4 now).
func (c *course) ways(changes ...string) string {
	var ways []string
	for _, change := range changes {
		_, name, _ := strings.Cut(change, "--")
		name, _, _ = strings.Cut(name, " ")
		if v, ok := c.options[name]; ok {
			ways = append(ways, fmt.Sprintf("%s (%v now)", change, v))
		}
	}
	if len(ways) == 0 {
		return ""
	}
	return ": try " + strings.Join(ways, ", or ")
}

// scaled returns the way to a likelihood that finds its scale itself, "" for one that has
// no wrong one.
func (c *course) scaled() string {
	if c.loss != "mse" {
		return ""
	}
	return "--loss sigma, which learns the scale"
}

func (c *course) number(option string, otherwise float64) float64 {
	if v, ok := c.options[option].(float64); ok {
		return v
	}
	return otherwise
}

// beta returns the weight of the KL.
func (c *course) beta() float64 { return c.number("beta", 1) }

// weighed says whether the loss has a KL.
func (c *course) weighed() bool { return c.beta() > 0 && !math.IsNaN(c.test(model.KL)) }

// warming says that the weight of the KL is on its way up: losses cannot be compared.
func (c *course) warming() bool { return float64(len(c.epochs)) <= c.number("warmup", 0) }

// settled says that it is not too early to judge: so many epochs are done, or all,
// and so many steps that the model could have learnt something.
func (c *course) settled(epochs int) bool {
	return (len(c.epochs) >= epochs || c.final) && c.now().Step >= leastSteps && !c.warming()
}

// twice says that something held after the last two epochs, or after the only one.
func (c *course) twice(holds func(l runlog.Line) bool) bool {
	for _, l := range c.epochs[max(0, len(c.epochs)-2):] {
		if !holds(l) {
			return false
		}
	}
	return c.settled(2)
}

// trained returns the training losses that can be compared.
func (c *course) trained() []float64 {
	var losses []float64
	for i, l := range c.epochs {
		if v, ok := l.Train[model.Loss]; ok && float64(i) >= c.number("warmup", 0) {
			losses = append(losses, v)
		}
	}
	return losses
}

// best returns the line of the lowest test loss.
func (c *course) best() runlog.Line {
	return slices.MinFunc(c.epochs, func(a, b runlog.Line) int { return cmp.Compare(a.Test[eval.TestLoss], b.Test[eval.TestLoss]) })
}

const (
	leastSteps = 200
	judged     = 256 // test images whose reconstructions are looked at
)

// A judge looks at reconstructions after an epoch.
type judge struct {
	images  data.Items // the first few test images
	x       []float32  // (n,H,W,C) of them
	spread  float64    // Σ (x − their mean image)²
	entropy float64    // of an image, nats
}

func newJudge(ctx context.Context, set *data.Set) (*judge, error) {
	images, err := first(set.Labelled(set.Test), judged)
	if err != nil {
		return nil, err
	}
	n := images.Len()
	index := make([]int32, n)
	for i := range index {
		index[i] = int32(i)
	}
	size := images.Item().Size()
	j := &judge{images: images, x: make([]float32, n*size)}
	if err := data.Floats(ctx, images, index, j.x); err != nil {
		return nil, err
	}
	mean := make([]float64, size)
	for i, v := range j.x {
		mean[i%len(mean)] += float64(v) / float64(n)
	}
	for i, v := range j.x {
		x := float64(v)
		j.spread += (x - mean[i%len(mean)]) * (x - mean[i%len(mean)])
		if x > 0 && x < 1 {
			j.entropy -= (x*math.Log(x) + (1-x)*math.Log(1-x)) / float64(n)
		}
	}
	return j, nil
}

// first returns the first n images, or all.
func first(images data.Items, n int) (data.Items, error) {
	index := make([]int, min(n, images.Len()))
	for i := range index {
		index[i] = i
	}
	return data.Subset(images, index)
}

// diagnose returns what is newly noticed after an epoch or an interval of the last stage.
func (t *trainer) diagnose(ctx context.Context, line runlog.Line) ([]runlog.Warning, error) {
	c := courseOf(&t.Run.Config, t.Model, append(t.judged, line), t.session.Latent())
	if line.Kind == runlog.IntervalLine {
		return c.diagnose(contests), nil
	}
	if t.Model.Reconstruct != nil && t.Data.Test.Len() > 0 {
		if t.judge == nil {
			j, err := newJudge(ctx, t.Data)
			if err != nil {
				return nil, err
			}
			t.judge = j
		}
		made, err := t.session.Reconstruct(ctx, t.judge.images)
		if err != nil {
			return nil, err
		}
		lost := 0.0
		for i, v := range made {
			d := float64(v) - float64(t.judge.x[i])
			lost += d * d
		}
		c.explained, c.entropy = 1-lost/t.judge.spread, t.judge.entropy
	}
	found := c.diagnose(symptoms)
	if t.Run.Config.EndsInterval(&line) {
		found = append(found, c.diagnose(contests)...)
	}
	return found, nil
}
