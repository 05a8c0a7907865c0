package hub

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/export/exporttest"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/python"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
)

// untrained returns a model of a recipe with initial weights; buffers and biases are not the zeros they begin with, so that
// each matters.
func untrained(t *testing.T, registry *model.Registry, recipe string, item medium.Item) *train.Trained {
	t.Helper()
	m := exporttest.Untrained(t, registry, recipe, model.Input{Item: item, Labels: 10}, func(p nn.Param, w []float32) {
		noise := make([]float32, len(w))
		rng.New(2).Split(p.Name).Normal(noise)
		for i, v := range w {
			if v == 0 || v == 1 {
				w[i] += 0.1 * noise[i]
			}
		}
	})
	m.Path, m.Step = "w.safetensors", 7
	return m
}

// compared runs what load.py decodes and encodes, and writes it: NETWORK-RESULT.
const compared = `
import json, sys, numpy, torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from load import run, weights
given = {k: torch.from_numpy(v) for k, v in numpy.load("in.npz").items()}
out = {}
for net in json.load(open(sys.argv[1] + "/layers.json")):
    for name, v in run(net, **given, **weights).items():
        if name in ["image", "mean", "log_var"]:
            out[net + "-" + name] = v.numpy()
numpy.savez("out.npz", **out)
`

// TestLoader runs load.py of models of every family in Debian's PyTorch: its pictures and codes are ours to 2e-5.
func TestLoader(t *testing.T) {
	interpreter := python.With(t, "torch, numpy", "python3-torch python3-numpy")
	var registry model.Registry
	catalog.Models(&registry)
	digits, faces := pixels.Item(28, 28, 1), pixels.Item(32, 32, 3)
	recipes := []struct {
		name string
		item medium.Item
	}{{"cnn-vae", digits}, {"mlp-vae", digits}, {"cvae", digits}, {"dense-gan", digits}, {"dcgan", faces}}
	if !testing.Short() {
		for _, r := range registry.Recipes() {
			if strings.Contains(" cnn-vae mlp-vae cvae dense-gan dcgan ", " "+r.Name+" ") {
				continue
			}
			if slices.Contains([]string{"sequence-vae", "language-model", "dmm"}, r.Kind) { // the loader has no layers of sequences
				continue
			}
			item := digits
			if r.Image != [3]int{} {
				item = faces
			}
			recipes = append(recipes, struct {
				name string
				item medium.Item
			}{r.Name, item})
		}
	}
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			m := untrained(t, &registry, r.name, r.item)
			dir := filepath.Join(t.TempDir(), "folder")
			if _, err := Write(t.Context(), m, dir); err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(filepath.Join(dir, loaderFile))
			if err != nil {
				card, _ := os.ReadFile(filepath.Join(dir, cardFile))
				t.Fatalf("%v\n%s", err, card)
			}
			if lines := strings.FieldsFunc(string(source), func(r rune) bool { return r == '\n' }); len(lines) > 10 || slices.ContainsFunc(lines, func(s string) bool { return len(s) > 100 }) {
				t.Errorf("%d lines, want ten of 100 characters:\n%s", len(lines), source)
			}
			lines, err := os.ReadFile(filepath.Join(dir, layersFile))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d lines of layers.json", bytes.Count(lines, []byte("\n")))
			compareLoader(t, interpreter, m, dir, lines)
		})
	}
}

// compareLoader compares the networks of layers.json with those of the model, for 5 items.
func compareLoader(t *testing.T, interpreter python.Interpreter, m *train.Trained, dir string, lines []byte) {
	t.Helper()
	const n = 5
	given := map[string][]float32{model.InputZ: make([]float32, n*m.Latent()), model.InputX: make([]float32, n*m.Item().Size()), model.InputLabels: make([]float32, n*10)}
	rng.New(3).Normal(given[model.InputZ])
	rng.New(4).Uniform(given[model.InputX])
	for i := range n {
		given[model.InputLabels][i*10+i] = 1
	}
	var names []string
	var arrays []*tensor.Tensor
	for name, values := range given {
		shape := []int{n, len(values) / n}
		if name == model.InputX {
			shape = m.Item().Batch(n)
		}
		x, err := tensor.FromSlice(values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		names, arrays = append(names, name), append(arrays, x)
	}
	work := t.TempDir()
	if err := atomicfile.Write(filepath.Join(work, "in.npz"), func(w io.Writer) error { return numpy.WriteNPZ(w, names, arrays) }); err != nil {
		t.Fatal(err)
	}
	interpreter.Run(t, work, compared, dir)
	b, err := os.ReadFile(filepath.Join(work, "out.npz"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := numpy.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name    string
		build   model.Function
		outputs []string
	}{{"decode", m.Model().Decode, []string{model.OutputPicture}}, {"encode", m.Model().Encode, []string{model.OutputMean, model.OutputLogVar}}} {
		if !bytes.Contains(lines, fmt.Appendf(nil, "%q: [", f.name)) {
			continue
		}
		fn, err := f.build(n)
		if err != nil {
			t.Fatal(err)
		}
		in := exec.Inputs{}
		for i, name := range names {
			if slices.ContainsFunc(fn.Inputs, func(n *graph.Node) bool { return n.Name() == name }) {
				in[name] = arrays[i]
			}
		}
		want, err := m.Func(f.build).Run(t.Context(), n, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range fn.Outputs {
			got, err := out.Read(f.name + "-" + o.Name)
			if err != nil {
				t.Fatal(err)
			}
			far := 0.0
			for k, v := range want[o.Name].F32() {
				far = max(far, math.Abs(float64(v)-float64(got.F32()[k])))
			}
			t.Logf("%s: %s differs by %.2g", f.name, o.Name, far)
			if !(far <= 2e-5) || !got.Shape().Equal(want[o.Name].Shape()) {
				t.Errorf("%s: %s %v differs by %v from %v", f.name, o.Name, got, far, want[o.Name])
			}
		}
	}
}

// TestWrite checks the folder: it opens as a model that draws the same, also if a program has written its weights again
// without what imago put there; the card and the configuration name no place of this machine; other files are not
// overwritten.
func TestWrite(t *testing.T) {
	var registry model.Registry
	catalog.Models(&registry)
	m := untrained(t, &registry, "mlp-vae", pixels.Item(8, 8, 1))
	m.Config.Data.Source, m.Config.Data.Path, m.Config.Data.Name, m.Config.Data.Train, m.Config.Data.Test, m.Config.Data.Digest = "/home/me/photos", "/home/me/photos", "/home/me/photos", 90, 10, "abc"
	dir := filepath.Join(t.TempDir(), "folder")
	for range 2 { // again, over its own files
		if _, err := Write(t.Context(), m, dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{train.HubWeights, train.HubConfig, cardFile, loaderFile, layersFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.Contains(b, []byte("/home/me")) {
			t.Errorf("%s names a place of this machine: %v", name, err)
		}
	}
	card, err := os.ReadFile(filepath.Join(dir, cardFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"library_name: imago\n", "license: other\n", "thumbnail: thumbnail.png\n", "pipeline_tag: unconditional-image-generation\n", "# mlp-vae on photos\n", "90 training and 10 test images", "z = torch.randn(64, 2)\nimage = run(\"decode\", z=z, **weights)[\"image\"]\n", "Nothing was measured", "licence"} {
		if !bytes.Contains(card, []byte(want)) {
			t.Errorf("the card has no %q:\n%s", want, card)
		}
	}
	want, err := m.Sample(t.Context(), rng.New(9), 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(what string) {
		t.Helper()
		be := cpu.New(1)
		defer be.Close()
		again, err := train.OpenModel(dir, &registry, be)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got, err := again.Sample(t.Context(), rng.New(9), 4, nil)
		if err != nil || !slices.Equal(got, want) || again.Step != 7 {
			t.Errorf("%s: step %d, other pictures, %v", what, again.Step, err)
		}
	}
	opens("the folder")
	weights := filepath.Join(dir, train.HubWeights)
	w, _, err := safetensors.Read(weights)
	if err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(weights, func(out io.Writer) error { return safetensors.Write(out, w, nil) }); err != nil {
		t.Fatal(err)
	}
	opens("without metadata")
	if err := os.WriteFile(filepath.Join(dir, train.HubConfig), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	be := cpu.New(1)
	defer be.Close()
	if _, err := train.OpenModel(dir, &registry, be); err == nil || !strings.Contains(err.Error(), "config.json: imago did not write this file") {
		t.Errorf("an empty config.json: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), m, dir); err == nil || !strings.Contains(err.Error(), "has other files, as notes.txt") {
		t.Errorf("a folder with other files: %v", err)
	}
}
