package eval

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/prob"
)

// greyEval returns the function Eval of a toy model: the mean grey of the images.
func greyEval(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, toyImage.Batch(n)...)
	w := graph.Input(model.InputWeight, tensor.Float32, n)
	grey := graph.Sum(graph.Mul(w, graph.Mean(x, 1, 2, 3)))
	return graph.NewFunc("eval", []*graph.Node{x, w}, []graph.Output{{Name: model.Loss + model.SumSuffix, Value: grey}}, nil)
}

var toyImage = pixels.Item(2, 2, 1)

// linear is the model x = Wz + s·ε with z ~ N(0, I₂), whose likelihood is known:
// p(x) = N(0, WWᵀ + s²I). Its posterior q is N(A·x, v·I), close to the true one.
type linear struct{ measure model.Measure }

var (
	toyW = []float64{0.5, 0.1, -0.2, 0.6, 0.3, 0.3, 0, -0.4} // (4,2)
	toyS = 0.3
)

func (l linear) model() *model.Model {
	return &model.Model{Eval: greyEval, LogWeights: l.LogWeights, Likelihood: &model.Likelihood{Name: "toy", Measure: l.measure}}
}

// posterior gives A (2,4) and the variance of q: the true posterior's mean, and a
// variance that is too wide.
func (linear) posterior() (a []float64, v float64) {
	w := mat.NewDense(4, 2, toyW)
	var m, inv, prod mat.Dense
	m.Mul(w.T(), w)
	for i := range 2 {
		m.Set(i, i, m.At(i, i)+toyS*toyS)
	}
	if err := inv.Inverse(&m); err != nil {
		panic(err)
	}
	prod.Mul(&inv, w.T())
	return prod.RawMatrix().Data, 0.2
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func (l linear) LogWeights(n, k int) (*graph.Func, error) {
	a, v := l.posterior()
	var f *graph.Func
	err := graph.Try(func() {
		x := graph.Input(model.InputX, tensor.Float32, n, 2, 2, 1)
		key := graph.Input(model.InputKey, tensor.Int32, 4)
		flat := graph.Reshape(x, n, 1, 4)
		mu := graph.Reshape(graph.MatMulT(graph.Reshape(x, n, 4), graph.ConstOf(float32s(a), 2, 4), false, true), n, 1, 2)
		eps := graph.Normal(key, "toy", n, k, 2)
		z := graph.Add(mu, graph.Scale(eps, math.Sqrt(v)))
		mean := graph.Reshape(graph.MatMulT(graph.Reshape(z, n*k, 2), graph.ConstOf(float32s(toyW), 4, 2), false, true), n, k, 4)
		half := func(x *graph.Node) *graph.Node { return graph.Scale(graph.Sum(graph.Square(x), 2), -0.5) }
		ln := half(graph.Scale(graph.Sub(flat, mean), 1/toyS)) // ln p(x|z) + ln p(z) − ln q(z|x)
		ln = graph.Sub(graph.Add(ln, half(z)), half(eps))
		ln = graph.AddScalar(ln, -2*math.Log(2*math.Pi)-4*math.Log(toyS)+math.Log(v))
		var e error
		f, e = graph.NewFunc("log_weights", []*graph.Node{x, key}, []graph.Output{{Name: model.OutputLogWeight, Value: ln}}, nil)
		if e != nil {
			panic(e)
		}
	})
	return f, err
}

// logDensity returns ln N(x; 0, WWᵀ + s²I).
func (linear) logDensity(x []float64) float64 {
	w := mat.NewDense(4, 2, toyW)
	var c mat.Dense
	c.Mul(w, w.T())
	for i := range 4 {
		c.Set(i, i, c.At(i, i)+toyS*toyS)
	}
	var inv mat.Dense
	if err := inv.Inverse(&c); err != nil {
		panic(err)
	}
	v := mat.NewVecDense(4, x)
	return -0.5*mat.Inner(v, &inv, v) - 0.5*math.Log(mat.Det(&c)) - 2*math.Log(2*math.Pi)
}

// certain is a model without noise: ln p(x) is minus the sum of the pixels.
type certain struct{}

func (c certain) model() *model.Model {
	return &model.Model{Eval: greyEval, LogWeights: c.LogWeights, Likelihood: &model.Likelihood{Name: "toy", Measure: model.Levels}}
}

func (certain) LogWeights(n, k int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, n, 2, 2, 1)
	w := graph.BroadcastTo(graph.Reshape(graph.Neg(graph.Sum(x, 1, 2, 3)), n, 1), n, k)
	return graph.NewFunc("log_weights", []*graph.Node{x}, []graph.Output{{Name: model.OutputLogWeight, Value: w}}, nil)
}

// stamp is a conditional model that draws the picture of its label with a little noise, or
// the picture of the next label if it is wrong.
type stamp struct{ wrong bool }

func (s stamp) model() *model.Model {
	return &model.Model{Eval: s.Eval, Sample: s.Sample, TakesLabels: model.Conditioning{Sample: true}}
}

// Sample draws the pictures, (4,2,2): one bright quarter each.
func (s stamp) Sample(n int) (*graph.Func, error) {
	pictures := make([]float32, 4*quarterSize)
	for c := range 4 {
		of := c
		if s.wrong {
			of = (c + 1) % 4
		}
		copy(pictures[c*quarterSize:], quarter(of))
	}
	y := graph.Input(model.InputLabels, tensor.Float32, n, 4)
	key := graph.Input(model.InputKey, tensor.Int32, 4)
	x := graph.MatMul(y, graph.ConstOf(pictures, 4, quarterSize))
	x = graph.Add(x, graph.Scale(graph.Uniform(key, "noise", n, quarterSize), 0.1))
	return graph.NewFunc("sample", []*graph.Node{y, key}, []graph.Output{{Name: model.OutputPicture, Value: graph.Reshape(x, n, quarterSide, quarterSide, 1)}}, nil)
}

// deaf is a conditional model that does not use its label: a code is how bright each quarter of
// the picture is, and the picture is decoded from the code alone. Its codes are far from N(0, I).
type deaf struct{}

func (d deaf) model() *model.Model {
	return &model.Model{Eval: stamp{}.Eval, Latent: 4, Encode: d.Encode, Decode: d.Decode, TakesLabels: model.Conditioning{Decode: true}}
}

// quarters returns the pictures of the quarters, (4,S).
func (deaf) quarters() *graph.Node {
	var all []float32
	for c := range 4 {
		all = append(all, quarter(c)...)
	}
	return graph.ConstOf(all, 4, quarterSize)
}

func (d deaf) Encode(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, n, quarterSide, quarterSide, 1)
	bright := 0.8 * 0.8 * quarterSize / 4 // of a picture in itself
	mean := graph.Scale(graph.MatMulT(graph.Reshape(x, n, quarterSize), d.quarters(), false, true), 1/bright)
	return graph.NewFunc("encode", []*graph.Node{x}, []graph.Output{{Name: model.OutputMean, Value: mean}, {Name: model.OutputLogVar, Value: graph.AddScalar(graph.Scale(mean, 0), -6)}}, nil)
}

func (d deaf) Decode(n int) (*graph.Func, error) {
	z := graph.Input(model.InputZ, tensor.Float32, n, 4)
	y := graph.Input(model.InputLabels, tensor.Float32, n, 4)
	x := graph.MatMul(graph.Add(z, graph.Scale(y, 0)), d.quarters())
	return graph.NewFunc("decode", []*graph.Node{z, y}, []graph.Output{{Name: model.OutputPicture, Value: graph.Reshape(x, n, quarterSide, quarterSide, 1)}}, nil)
}

const (
	quarterSide = 8
	quarterSize = quarterSide * quarterSide
)

// quarter returns an image whose quarter c is bright.
func quarter(c int) []float32 {
	x := make([]float32, quarterSize)
	for i := range x {
		if i/quarterSide/(quarterSide/2)*2+i%quarterSide/(quarterSide/2) == c {
			x[i] = 0.8
		}
	}
	return x
}

func (s stamp) Eval(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, n, quarterSide, quarterSide, 1)
	w := graph.Input(model.InputWeight, tensor.Float32, n)
	return graph.NewFunc("eval", []*graph.Node{x, w}, []graph.Output{{Name: model.Loss + model.SumSuffix, Value: graph.Sum(graph.Mul(w, prob.SquaredError(x, graph.Scale(x, 0.5))))}}, nil)
}

// ofToy returns an Evaluator of a model without parameters.
func ofToy(t *testing.T, toy interface{ model() *model.Model }, in model.Input) *Evaluator {
	t.Helper()
	be := cpu.New(1)
	t.Cleanup(func() { be.Close() })
	e, err := New(latent.New(toy.model(), in, exec.New(be, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
