package vae

import (
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// The tests run the functions of small models in float64, on sines for images
// and parameters.

var small = pixels.Item(4, 8, 1)

// labels is K of the images.
const labels = 3

type kindOf = func() (model.Kind, model.Recipe)

// name returns the name of a kind.
func name(kind kindOf) string {
	k, _ := kind()
	return k.Name
}

var allKinds = []kindOf{MLPVAE, CNNVAE, MLPAE, CNNAE, CVAE, MLPCVAE, weighted, Ladder}

// weighted returns kind iwae with its first recipe.
func weighted() (model.Kind, model.Recipe) {
	k, r, _ := IWAE()
	return k, r
}

// faceVAE returns kind cnn-vae as the recipe face-vae has it.
func faceVAE() (model.Kind, model.Recipe) {
	k, _ := CNNVAE()
	k.Default = func() model.Config {
		k, _ := CNNVAE()
		c, err := k.Decode([]byte(FaceVAE().Config))
		if err != nil {
			panic(err)
		}
		return c
	}
	return k, FaceVAE()
}

// configured returns the configuration of a kind with options set, as --name value.
func configured(t *testing.T, kind kindOf, options ...string) model.Config {
	t.Helper()
	k, _ := kind()
	c := k.Default()
	for i := 0; i < len(options); i += 2 {
		found := false
		for _, f := range model.Flags(c) {
			if f.Name == options[i] {
				found = true
				if err := f.Set(options[i+1]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !found {
			t.Fatalf("%s has no option --%s", k.Name, options[i])
		}
	}
	return c
}

func newModel(t *testing.T, img medium.Item, kind kindOf, options ...string) *model.Model {
	t.Helper()
	m, err := configured(t, kind, options...).New(model.Input{Item: img, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// flags returns the text of an error with each field named as an option of the command
// line, as package cli does.
func flags(c model.Config, err error) string {
	return option.Text(err, func(field string) string {
		for _, f := range model.Flags(c) {
			if f.Field == field {
				return "--" + f.Name
			}
		}
		return "--" + strings.ToLower(field)
	})
}

// tiny options of the two pairs of networks, as in testdata/ten_steps.py, and of
// the ladder.
var (
	tinyMLP    = []string{"hidden", "5"}
	tinyCNN    = []string{"filters", "3,4", "dense", "5"}
	tinyLadder = []string{"hidden", "5,4", "latents", "3,2"}
)

// tiny returns those of a kind's networks.
func tiny(kind kindOf) []string {
	k, _ := kind()
	switch k.Default().(type) {
	case *LadderConfig:
		return tinyLadder
	case interface{ outputLayer() string }:
		return tinyMLP
	}
	return tinyCNN
}

func sines(n int, amplitude, frequency, phase float64) graph.Value {
	v := make(graph.Value, n)
	for i := range v {
		v[i] = amplitude * math.Sin(frequency*float64(i)+phase)
	}
	return v
}

func startStates(m *model.Model) map[string]graph.Value {
	st := map[string]graph.Value{}
	for k, p := range m.Params {
		st[p.Name] = sines(p.Shape.Size(), 0.4, 1.7, 0.9*float64(k)+0.5)
	}
	for _, s := range m.Slots {
		v := make(graph.Value, s.Shape.Size())
		for i := range v {
			v[i] = float64(s.Value)
		}
		st[s.Name] = v
	}
	return st
}

// pictures returns n images in [0, 1].
func pictures(n int, img medium.Item) graph.Value {
	v := sines(n*img.Size(), 0.5, 0.37, 0)
	for i := range v {
		v[i] += 0.5
	}
	return v
}

func keyOf(step uint64) graph.Value {
	v := make(graph.Value, 4)
	for i, w := range rng.New(7).At(step).Words() {
		v[i] = float64(w)
	}
	return v
}

func ones(n int) graph.Value {
	v := make(graph.Value, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// run returns the outputs of f by name.
func run(t *testing.T, f *graph.Func, err error, in, states map[string]graph.Value) map[string]graph.Value {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out, err := graph.Interp(f, graph.Env{Inputs: in, States: states})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]graph.Value{}
	for i, o := range f.Outputs {
		byName[o.Name] = out[i]
	}
	return byName
}

// inputs returns what functions of n images may take, at a step after the first epoch.
func inputs(n int, img medium.Item, step uint64) map[string]graph.Value {
	in := map[string]graph.Value{
		model.InputX: pictures(n, img), model.InputWeight: ones(n), model.InputKey: keyOf(step),
		model.InputLabels: make(graph.Value, n*labels), model.InputEpoch: {1},
	}
	for i := range n {
		in[model.InputLabels][i*labels+i%labels] = 1
	}
	return in
}

// trainOnce runs a step of training on b images of sines.
func trainOnce(t *testing.T, m *model.Model, states map[string]graph.Value, b int, step uint64, lr float64) map[string]graph.Value {
	t.Helper()
	f, err := m.Last().Step(b)
	if err != nil {
		t.Fatal(err)
	}
	in := inputs(b, small, step)
	in[model.InputLR] = graph.Value{lr}
	return run(t, f, nil, in, states)
}

// near reports whether a and b agree to tol, absolute and relative; NaN does not.
func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol*max(1, math.Abs(b)) }
