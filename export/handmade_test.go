package export_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/formats/onnx"
	"github.com/imago-ml/imago/formats/onnx/onnxtest"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/models/model"
)

// BenchmarkONNX reports the time of decoders that imago wrote as a part of that of the same decoders written by hand in
// (N,C,H,W), by testdata/handmade.py: the ratio of the medians of runs that take turns, in ONNX Runtime on one thread.
//
//	go test ./export -run - -bench ONNX -benchtime 1x
func BenchmarkONNX(b *testing.B) {
	const rounds, runs = 9, 9
	runtime := onnxtest.Start(b)
	var r model.Registry
	catalog.Models(&r)
	for _, c := range []struct{ recipe, network string }{{"cnn-vae", export.Decoder}, {"dcgan", export.Generator}} {
		for _, batch := range []int{1, 16} {
			b.Run(fmt.Sprint(c.recipe, "/", batch), func(b *testing.B) {
				rec, err := r.Recipe(c.recipe)
				if err != nil {
					b.Fatal(err)
				}
				t := drawn(b, rec, &r)
				networks, err := export.Select(export.Networks(t), c.network)
				if err != nil {
					b.Fatal(err)
				}
				var file bytes.Buffer
				if _, err := export.WriteONNX(&file, t, networks[0], onnx.Float32); err != nil {
					b.Fatal(err)
				}
				ours, err := runtime.Load(file.Bytes())
				if err != nil {
					b.Fatal(err)
				}
				theirs, err := runtime.Load(handmade(b, c.recipe, t.Runner().Names(), t.Runner().Get))
				if err != nil {
					b.Fatal(err)
				}
				z := make([]float32, batch*t.Latent())
				rng.New(1).Normal(z)
				in := map[string]onnxtest.Array{model.InputZ: {Shape: []int{batch, t.Latent()}, Data: z}}
				var ms [2][]float64
				var images [2][]float32
				for b.Loop() {
					for range rounds {
						for i, s := range []*onnxtest.Session{ours, theirs} {
							out, times, err := s.Time(in, runs)
							if err != nil {
								b.Fatal(err)
							}
							ms[i], images[i] = append(ms[i], times...), out[model.OutputPicture].Data
						}
					}
				}
				shape := t.Item().Shape
				if d := difference(images[0], rowsLast(images[1], batch, shape)); !(d <= 1e-5) {
					b.Fatalf("the images differ by %.2g", d)
				}
				b.ReportMetric(median(ms[0])/median(ms[1]), "of-handmade")
				b.ReportMetric(median(ms[0]), "ms")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func median(v []float64) float64 {
	slices.SortFunc(v, cmp.Compare[float64])
	return v[len(v)/2]
}

// rowsLast returns images (B,C,H,W) as (B,H,W,C).
func rowsLast(x []float32, batch int, shape tensor.Shape) []float32 {
	h, w, c := shape[0], shape[1], shape[2]
	y := make([]float32, 0, len(x))
	for n := range batch {
		for p := range h * w {
			for k := range c {
				y = append(y, x[(n*c+k)*h*w+p])
			}
		}
	}
	return y
}

// handmade returns the model that the script writes from weights.
func handmade(b *testing.B, recipe string, names []string, get func(string) (*tensor.Tensor, error)) []byte {
	weights := map[string]*tensor.Tensor{}
	for _, name := range names {
		w, err := get(name)
		if err != nil {
			b.Fatal(err)
		}
		weights[name] = w
	}
	dir := b.TempDir()
	source, out := filepath.Join(dir, "weights.safetensors"), filepath.Join(dir, "handmade.onnx")
	if err := safetensors.WriteFile(source, weights, nil); err != nil {
		b.Fatal(err)
	}
	if text, err := exec.Command("/usr/bin/python3", "testdata/handmade.py", recipe, source, out).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	return file
}
