// Package modeltest compares the training of a model with an oracle: every metric of
// every step and the final parameters, computed by another framework in float64.
//
// An oracle is a JSON file, which a program in Python writes with oracle.py of this
// folder. The program writes the model from its paper; it shares with imago only the
// first values, the images and the noise, which oracle.py and this package define by
// the same formulas. To use it, call CompareTraining with an empty configuration of the
// kind and the file:
//
//	modeltest.CompareTraining(t, &vae.IWAEConfig{}, "testdata/iwae.json")
//
// The package must not know any kind of model.
package modeltest

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// tolerance bounds the difference, absolute and relative, between a number and its oracle.
// Both sides compute in float64 and the file has 12 digits: measured, they differ by less
// than 1e-11. The exception is the perplexity of a VQ-VAE, where the 1e-10 that keeps its
// logarithm finite changes up to 1e-9.
const tolerance = 1e-9

// oracle is the file.
type oracle struct {
	Torch        string          `json:"torch"` // version
	Kind         string          `json:"kind"`
	Config       json.RawMessage `json:"config"`
	Image        [3]int          `json:"image"`    // H, W, C
	Labels       int             `json:"labels"`   // K
	Batch        int             `json:"batch"`    // B
	Labelled     int             `json:"labelled"` // L, of semi-supervised training
	LearningRate float64         `json:"learning_rate"`
	Parameters   []struct {
		Name      string  `json:"name"`
		Shape     []int   `json:"shape"`
		Offset    float64 `json:"offset"`
		Amplitude float64 `json:"amplitude"`
		Phase     float64 `json:"phase"`
	} `json:"parameters"`
	Phases []struct {
		Name  string                 `json:"name"`
		Steps []map[string]float64   `json:"steps"` // metrics
		Final map[string]graph.Value `json:"final"` // parameters
	} `json:"phases"`
}

// CompareTraining decodes the configuration that the file holds into c, trains the model with the
// float64 interpreter and compares it with the file. A metric or a parameter that only
// one of the two has is an error too.
func CompareTraining(t *testing.T, c model.Config, file string) {
	t.Helper()
	o := read(t, file)
	decode(t, o.Config, c)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	m, err := c.New(model.Input{Item: pixels.Item(o.Image[0], o.Image[1], o.Image[2]), Labels: o.Labels})
	if err != nil {
		t.Fatal(err)
	}
	states := o.start(t, m)
	if len(m.Phases) != len(o.Phases) {
		t.Fatalf("%d phases of training, the oracle has %d", len(m.Phases), len(o.Phases))
	}
	for i, phase := range o.Phases {
		f, err := m.Phases[i].Step(o.Batch)
		if err != nil {
			t.Fatal(err)
		}
		for step, want := range phase.Steps {
			got := map[string]float64{}
			o.run(t, f, step, states, got)
			for name, v := range got {
				if w, ok := want[name]; !ok {
					t.Errorf("%s step %d: the oracle has no metric %s", phase.Name, step, name)
				} else if !near(v, w) {
					t.Errorf("%s step %d: %s is %.12g, want %.12g", phase.Name, step, name, v, w)
				}
			}
			for name := range want {
				if _, ok := got[name]; !ok {
					t.Errorf("%s step %d: no metric %s", phase.Name, step, name)
				}
			}
			if t.Failed() {
				return // the later steps follow from this one
			}
		}
		for name, want := range phase.Final {
			for j, w := range want {
				if v := states[name][j]; !near(v, w) {
					t.Errorf("%s: %s[%d] ends as %.12g, want %.12g", phase.Name, name, j, v, w)
				}
			}
		}
	}
}

func read(t *testing.T, file string) *oracle {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{}
	decode(t, b, o)
	return o
}

// decode decodes the JSON b into v. A field that v does not have fails the test.
func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

// start returns the first values of the states of m, whose parameters must be those of
// the oracle.
func (o *oracle) start(t *testing.T, m *model.Model) map[string]graph.Value {
	t.Helper()
	states := map[string]graph.Value{}
	for _, p := range o.Parameters {
		n := 1
		for _, d := range p.Shape {
			n *= d
		}
		states[p.Name] = sines(n, p.Offset, p.Amplitude, 1.7, p.Phase)
	}
	for _, p := range m.Params {
		if v := states[p.Name]; len(v) != p.Shape.Size() {
			t.Errorf("parameter %s has %d values, the oracle has %d", p.Name, p.Shape.Size(), len(v))
		}
	}
	if len(m.Params) != len(o.Parameters) {
		t.Errorf("%d parameters, the oracle has %d", len(m.Params), len(o.Parameters))
	}
	if t.Failed() {
		t.FailNow()
	}
	for _, s := range m.Slots {
		states[s.Name] = sines(s.Shape.Size(), float64(s.Value), 0, 0, 0)
	}
	return states
}

// run runs one function of a step, and adds its outputs to metrics.
func (o *oracle) run(t *testing.T, f *graph.Func, step int, states map[string]graph.Value, metrics map[string]float64) {
	t.Helper()
	s, size := float64(step), o.Image[0]*o.Image[1]*o.Image[2]
	in := map[string]graph.Value{
		model.InputX:         sines(o.Batch*size, 0.5, 0.5, 0.37, 0.11*s),
		model.InputWeight:    sines(o.Batch, 1, 0, 0, 0),
		model.InputLabels:    oneHot(o.Batch, o.Labels),
		model.InputEpoch:     {s / 5},
		model.InputLR:        {o.LearningRate},
		model.InputLabelledX: sines(o.Labelled*size, 0.5, 0.5, 0.53, 0.2*s+1),
		model.InputLabelledY: oneHot(o.Labelled, o.Labels),
	}
	for _, w := range rng.New(7).At(uint64(step)).Words() {
		in[model.InputKey] = append(in[model.InputKey], float64(w))
	}
	out, err := graph.Interp(f, graph.Env{Inputs: in, States: states})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range f.Outputs {
		metrics[v.Name] = out[i][0]
	}
}

// sines returns offset + amplitude·sin(frequency·i + phase) for i = 0 … n−1.
func sines(n int, offset, amplitude, frequency, phase float64) graph.Value {
	v := make(graph.Value, n)
	for i := range v {
		v[i] = offset + amplitude*math.Sin(frequency*float64(i)+phase)
	}
	return v
}

// oneHot returns n labels, the classes in turn: (n,K).
func oneHot(n, classes int) graph.Value {
	v := make(graph.Value, n*classes)
	if classes > 0 {
		for i := range n {
			v[i*classes+i%classes] = 1
		}
	}
	return v
}

// near reports whether a is b within the tolerance; NaN is not.
func near(a, b float64) bool { return math.Abs(a-b) <= tolerance*max(1, math.Abs(b)) }
