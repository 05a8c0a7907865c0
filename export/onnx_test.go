package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/data/text"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/export/exporttest"
	"github.com/imago-ml/imago/formats/onnx"
	"github.com/imago-ml/imago/formats/onnx/onnxtest"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/python"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
)

// labels is K of the conditional models.
const labels = 10

// drawn returns a model of a recipe, for the images that it is published for, with initial weights; the statistics, scales
// and shifts of batch norm are drawn too, so that each matters.
func drawn(t testing.TB, rec model.Recipe, r *model.Registry) *train.Trained {
	t.Helper()
	shape := rec.PublishedImage()
	in := model.Input{Item: pixels.Item(shape[0], shape[1], shape[2]), Labels: labels}
	switch {
	case rec.Name == "roll-lstm" || rec.Name == "dmm":
		in.Item = pianoroll.Item(6)
	case rec.Kind == "sequence-vae" || rec.Kind == "language-model":
		in.Item = text.Item(text.Medium{Tokens: text.Characters, Vocabulary: []string{"a", "b", "c"}, Length: 6})
	}
	trained := exporttest.Untrained(t, r, rec.Name, in, func(p nn.Param, w []float32) {
		if len(p.Shape) != 1 {
			return
		}
		u := make([]float32, len(w))
		rng.New(7).Split("shift " + p.Name).Uniform(u)
		for i := range w {
			w[i] += 0.4*u[i] - 0.2
			if strings.HasSuffix(p.Name, "moving_variance") {
				w[i] = 0.5 + u[i]
			}
		}
	})
	if rec.Name == "resnet-gan" {
		settle(t, trained)
	}
	return trained
}

// settle gives batch norm the statistics of its activations, by steps of training at a learning rate of 0. With others the
// activations of a residual generator grow from block to block, its last tanh is given numbers of 29, and rounding is a part
// of these: by float32 the image then differs by 3e-6, from the float64 interpreter's as much here as in ONNX Runtime.
func settle(t testing.TB, trained *train.Trained) {
	t.Helper()
	const batch, steps = 8, 30
	step := trained.Func(trained.Model().Last().Step)
	f, err := trained.Model().Last().Step(batch)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(steps) {
		in, _ := operands(f, rng.New(100+i), nil)
		for k := range in[model.InputWeight].F32() {
			in[model.InputWeight].F32()[k] = 1
		}
		in[model.InputLR].F32()[0] = 0
		if _, err := step.Run(t.Context(), batch, in); err != nil {
			t.Fatal(err)
		}
	}
}

// operands returns values for the inputs of a function, and of the draws that take the place of its key.
func operands(f *graph.Func, key rng.Key, draws []onnx.Draw) (ours exec.Inputs, theirs map[string]onnxtest.Array) {
	ours, theirs = exec.Inputs{}, map[string]onnxtest.Array{}
	give := func(name string, shape []int, x []float32) {
		theirs[name] = onnxtest.Array{Shape: shape, Data: x}
	}
	for _, n := range f.Inputs {
		v := tensor.New(n.DType(), n.Shape()...)
		k := key.Split(n.Name())
		switch n.Name() {
		case model.InputKey:
			words := key.Words()
			copy(v.I32(), words[:])
			ours[n.Name()] = v
			continue
		case model.InputLabels:
			for i := 0; i < v.Size(); i += labels {
				v.F32()[i+i/labels%labels] = 1
			}
		case model.InputZ:
			k.Normal(v.F32())
		default:
			k.Uniform(v.F32())
		}
		ours[n.Name()] = v
		give(n.Name(), n.Shape(), v.F32())
	}
	for _, n := range f.Nodes() {
		for _, d := range draws {
			if n.Attr().Name != d.Name || n.Op() != graph.OpNormal && n.Op() != graph.OpUniform {
				continue
			}
			x := make([]float32, n.Shape().Size())
			if n.Op() == graph.OpNormal {
				key.Split(d.Name).Normal(x)
			} else {
				key.Split(d.Name).Uniform(x)
			}
			give(d.Name, n.Shape(), x)
		}
	}
	return ours, theirs
}

// difference returns the largest difference of two arrays, as a part of the largest magnitude of want where that is above 1.
func difference[T, U float32 | float64](got []T, want []U) float64 {
	largest, most := 0.0, 1.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if !(d <= largest) { // also where it is no number
			largest = d
		}
		most = max(most, math.Abs(float64(w)))
	}
	return largest / most
}

// Every network of every recipe gives in ONNX Runtime what it gives here, at three sizes of a batch, and its file passes the
// checker of Python's onnx.
func TestONNX(t *testing.T) {
	runtime := onnxtest.Start(t)
	var r model.Registry
	catalog.Models(&r)
	dir := t.TempDir()
	var files []string
	for _, rec := range r.Recipes() {
		t.Run(rec.Name, func(t *testing.T) {
			trained := drawn(t, rec, &r)
			report := ""
			for _, n := range export.Networks(trained) {
				ours := map[int]map[string]*tensor.Tensor{}
				for _, p := range []struct {
					precision onnx.Precision
					tolerance float64
				}{{onnx.Float32, 1e-5}, {onnx.Float16, 2e-3}} {
					var file bytes.Buffer
					draws, err := export.WriteONNX(&file, trained, n, p.precision)
					if rec.Kind == "sequence-vae" || rec.Kind == "dmm" { // its steps are slices of the batch
						if err == nil || !strings.Contains(err.Error(), "cannot be written as ONNX") {
							t.Errorf("%s: %v", n.Name, err)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					name := filepath.Join(dir, fmt.Sprintf("%s %s %v.onnx", rec.Name, n.Name, p.precision))
					if err := os.WriteFile(name, file.Bytes(), 0o666); err != nil {
						t.Fatal(err)
					}
					files = append(files, name)
					s, err := runtime.Load(file.Bytes())
					if err != nil {
						t.Fatalf("%s, %v: %v", n.Name, p.precision, err)
					}
					largest := 0.0
					for _, batch := range []int{1, 3, 64} {
						f, err := n.Build(batch)
						if err != nil {
							t.Fatal(err)
						}
						in, given := operands(f, rng.New(uint64(batch)), draws)
						if ours[batch] == nil {
							if ours[batch], err = trained.Func(n.Build).Run(t.Context(), batch, in); err != nil {
								t.Fatal(err)
							}
						}
						got, err := s.Run(given)
						if err != nil {
							t.Fatalf("%s, %v, batch %d: %v", n.Name, p.precision, batch, err)
						}
						for name, want := range ours[batch] {
							if !want.Shape().Equal(got[name].Shape) {
								t.Fatalf("%s, batch %d: %s has the shape %v, want %v", n.Name, batch, name, got[name].Shape, want.Shape())
							}
							d := difference(got[name].Data, want.F32())
							if !(d <= p.tolerance) {
								t.Errorf("%s, %v, batch %d: %s differs by %.2g, want at most %v", n.Name, p.precision, batch, name, d, p.tolerance)
							}
							largest = max(largest, d)
						}
					}
					report += fmt.Sprintf("\n%-14s %v  %9d bytes  %.1e", n.Name, p.precision, file.Len(), largest)
					if err := s.Free(); err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Log(report)
		})
	}
	onnxtest.Check(t, files)
}

// example returns the program of docs/export.md in that language, and a folder with onnx/, the models that it reads.
func example(t *testing.T, language string) (program, dir string) {
	t.Helper()
	page, err := os.ReadFile("../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```"+language+"\n")
	program, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatalf("docs/export.md has no block of %s", language)
	}
	var r model.Registry
	catalog.Models(&r)
	rec, err := r.Recipe("cnn-vae")
	if err != nil {
		t.Fatal(err)
	}
	trained := drawn(t, rec, &r)
	dir = t.TempDir()
	if _, err := export.ONNX(t.Context(), trained, export.Networks(trained), filepath.Join(dir, "onnx"), onnx.Float32); err != nil {
		t.Fatal(err)
	}
	return program, dir
}

// The program of docs/export.md in JavaScript runs.
func TestONNXExample(t *testing.T) {
	program, dir := example(t, "js")
	if got := onnxtest.Node(t, dir, program); !strings.HasPrefix(got, "1x28x28x1 0.") {
		t.Errorf("the program prints %q, want the shape of an image and a number below 1", got)
	}
}

// runtimeInPython stands for ONNX Runtime in Python, which Debian does not have: it computes nothing, but takes the inputs,
// outputs and metadata that the file has, and no others.
const runtimeInPython = `
import numpy, onnx, sys, types

class InferenceSession:
    def __init__(self, name):
        self.model = onnx.load(name)
    def run(self, names, feeds):
        graph, sizes = self.model.graph, {}
        assert set(feeds) == {i.name for i in graph.input}, feeds.keys()
        for i in graph.input:
            x, dims = feeds[i.name], i.type.tensor_type.shape.dim
            assert x.dtype == numpy.float32 and len(x.shape) == len(dims), x.shape
            for n, d in zip(x.shape, dims):
                assert sizes.setdefault(d.dim_param, n) == n if d.dim_param else n == d.dim_value, x.shape
        outputs = {o.name: [sizes[d.dim_param] if d.dim_param else d.dim_value for d in o.type.tensor_type.shape.dim] for o in graph.output}
        return [numpy.zeros(outputs[name], numpy.float32) for name in names]
    def get_modelmeta(self):
        return types.SimpleNamespace(custom_metadata_map={p.key: p.value for p in self.model.metadata_props})

sys.modules["onnxruntime"] = types.SimpleNamespace(InferenceSession=InferenceSession)
`

// The program of docs/export.md in Python names what the file has.
func TestONNXExampleInPython(t *testing.T) {
	p := python.With(t, "numpy,onnx", "python3-numpy python3-onnx")
	program, dir := example(t, "python")
	if got := p.Run(t, dir, runtimeInPython+program+"\nprint(image.shape)\n"); got != "cnn-vae\n(64, 28, 28, 1)\n" {
		t.Errorf("the program prints %q, want the recipe and the shape of 64 images", got)
	}
}

// TestWriteWithinBudget checks that the copies of the weights that writing holds are taken from the memory budget.
func TestWriteWithinBudget(t *testing.T) {
	var r model.Registry
	catalog.Models(&r)
	rec, err := r.Recipe("mlp-vae")
	if err != nil {
		t.Fatal(err)
	}
	m := drawn(t, rec, &r)
	runtime.GC()
	memory.SetLimit(memory.InUse() + 4<<20)
	defer memory.SetLimit(0)
	for _, n := range export.Networks(m) {
		var over *memory.Error
		if _, err := export.WriteONNX(io.Discard, m, n, onnx.Float32); !errors.As(err, &over) || !strings.HasPrefix(err.Error(), "the weights of the "+n.Name) {
			t.Errorf("%s in 4 MiB: %v", n.Name, err)
		}
	}
}
