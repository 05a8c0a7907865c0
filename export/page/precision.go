package page

import (
	"context"
	"maps"
	"math"

	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/export/browser"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
)

// tried is the number of pictures by which the harm of float16 is measured, of each function.
const tried = 16

// mostHarm is how much float16 may change a value of a picture: half of one of 256 levels.
const mostHarm = 0.5 / 255

// harmless reports whether weights as float16 change no picture of a model by more than mostHarm, and the largest change of a
// value: of codes drawn from N(0, I), of draws of the model's own sampler, and of the reconstructions of uniform noise and of
// what was decoded.
func harmless(ctx context.Context, t *train.Trained, f *browser.Folded) (half bool, worst float64, err error) {
	var runs [2][][]float32
	for i, weights := range []map[string]*tensor.Tensor{f.Weights, f.Halves()} {
		if runs[i], err = pictures(ctx, t, f, weights); err != nil {
			return false, 0, err
		}
	}
	for i, want := range runs[0] {
		for j, v := range want {
			if d := math.Abs(float64(v - runs[1][i][j])); !(d <= worst) {
				worst = d
			}
		}
	}
	return worst <= mostHarm, worst, nil
}

// pictures returns the pictures of folded functions with weights, each of the same inputs.
func pictures(ctx context.Context, t *train.Trained, f *browser.Folded, weights map[string]*tensor.Tensor) ([][]float32, error) {
	r := exec.New(t.Runner().Backend(), nil)
	if err := r.SetAll(maps.All(weights)); err != nil {
		return nil, err
	}
	key := rng.New(0).Split("page")
	var all [][]float32
	for _, g := range f.Funcs {
		if g.Outputs[0].Name != model.OutputPicture {
			continue
		}
		run := r.Func(func(int) (*graph.Func, error) { return g, nil })
		for i := range tried {
			in := exec.Inputs{}
			for _, n := range g.Inputs {
				in[n.Name()] = input(n, key.At(uint64(i)), i)
			}
			out, err := run.Run(ctx, 1, in)
			if err != nil {
				return nil, err
			}
			all = append(all, out[model.OutputPicture].F32())
		}
	}
	return all, nil
}

// input returns what a function is tried with, the i-th time.
func input(n *graph.Node, key rng.Key, i int) *tensor.Tensor {
	in := tensor.New(n.DType(), n.Shape()...)
	switch n.Name() {
	case model.InputKey:
		w := key.Words()
		copy(in.I32(), w[:])
	case model.InputLabels:
		in.F32()[i%in.Size()] = 1
	case model.InputX:
		key.Uniform(in.F32())
	default:
		key.Normal(in.F32())
	}
	return in
}
