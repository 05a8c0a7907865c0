package prob

import (
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
)

func TestLogSumExp(t *testing.T) {
	x := input("x", 2, 3, 2)
	in := map[string]graph.Value{"x": {0, 1, 2, -3, 1, 0.5, 700, -2000, 710, -2000, 705, -2001}}
	out := eval(t, in, LogSumExp(x, 1), LogMeanExp(x, 1), graph.Grad(graph.Sum(LogSumExp(x, 1)), x)[0])
	naive := func(a ...float64) float64 {
		m, s := a[0], 0.0
		for _, v := range a {
			s += math.Exp(v - m)
		}
		return m + math.Log(s)
	}
	for i, want := range []float64{naive(0, 2, 1), naive(1, -3, 0.5), naive(710, 700, 705), naive(-2000, -2000, -2001)} {
		if !almostEqual(out[0][i], want, 1e-13) {
			t.Errorf("sum %d: %v, want %v", i, out[0][i], want)
		}
		if !almostEqual(out[1][i], want-math.Log(3), 1e-7) { // the constant is a float32
			t.Errorf("mean %d: %v, want %v", i, out[1][i], want-math.Log(3))
		}
	}
	for i, l := range in["x"] { // the gradient is the softmax
		sum := out[0][i/6*2+i%2]
		if want := math.Exp(l - sum); !almostEqual(out[2][i], want, 1e-13) {
			t.Errorf("gradient %d: %v, want %v", i, out[2][i], want)
		}
	}
}

func TestCategorical(t *testing.T) {
	y, l, m := input("y", 3, 3), input("l", 3, 3), input("m", 3, 3)
	in := map[string]graph.Value{
		"y": {0, 1, 0, 0.2, 0.3, 0.5, 0, 0, 0},
		"l": {1, 2, 3, -1, 0, 4, 900, 0, -900},
		"m": {0, 0, 0, 1, 1, 2, 0, 1, 2},
	}
	out := eval(t, in, Softmax(l), CategoricalNLL(y, l), CategoricalEntropy(l), CategoricalKL(m, l))
	softmax := func(l []float64) []float64 {
		p, s := make([]float64, 3), 0.0
		for _, v := range l {
			s += math.Exp(v)
		}
		for i, v := range l {
			p[i] = math.Exp(v) / s
		}
		return p
	}
	for b := range 2 {
		y, p, q := in["y"][3*b:], softmax(in["l"][3*b:3*b+3]), softmax(in["m"][3*b:3*b+3])
		var ce, h, kl float64
		for k := range 3 {
			if !almostEqual(out[0][3*b+k], p[k], 1e-13) {
				t.Errorf("p(%d) of item %d is %v, want %v", k, b, out[0][3*b+k], p[k])
			}
			ce -= y[k] * math.Log(p[k])
			h -= p[k] * math.Log(p[k])
			kl += q[k] * math.Log(q[k]/p[k])
		}
		for i, want := range []float64{ce, h, kl} {
			if !almostEqual(out[i+1][b], want, 1e-13) {
				t.Errorf("image %d: %v, want %v", b, out[i+1][b], want)
			}
		}
	}
	// Item 2 has extreme logits and no label: the NLL and the entropy are 0, and all numbers are finite.
	if out[1][2] != 0 || out[2][2] != 0 || !almostEqual(out[3][2], eval(t, in, CategoricalNLL(Softmax(m), l))[0][2]-eval(t, in, CategoricalEntropy(m))[0][2], 1e-12) {
		t.Errorf("logits of 900 and −900: %v, %v, %v", out[1][2], out[2][2], out[3][2])
	}
	// ∂NLL/∂l = p − y for a label whose probabilities add up to 1.
	g := eval(t, in, graph.Grad(graph.Sum(CategoricalNLL(y, l)), l)[0])[0]
	for i := range 6 {
		if want := out[0][i] - in["y"][i]; !almostEqual(g[i], want, 1e-13) {
			t.Errorf("gradient %d: %v, want %v", i, g[i], want)
		}
	}
}

// Ids give what one-hot vectors give, to the second derivative; an id outside gives 0.
func TestSparseCategoricalNLL(t *testing.T) {
	ids, l, hot := input("ids", 2, 2), input("l", 2, 2, 3), input("hot", 4, 3)
	in := map[string]graph.Value{
		"ids": {2, 0, 1, -1},
		"hot": {0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0},
		"l":   {1, 2, 3, 900, 0, -900, -1, 0, 4, 5, 6, 7},
	}
	flat := graph.Reshape(l, 4, 3)
	sparse, dense := SparseCategoricalNLL(ids, l), CategoricalNLL(hot, flat)
	if !sparse.Shape().Equal(graph.Shape{2, 2}) {
		t.Fatalf("shape %v", sparse.Shape())
	}
	grad := func(y *graph.Node) *graph.Node { return graph.Grad(graph.Sum(graph.Exp(graph.Scale(y, 0.5))), l)[0] }
	second := func(y *graph.Node) *graph.Node { return graph.Grad(graph.Sum(graph.Square(grad(y))), l)[0] }
	out := eval(t, in, sparse, dense, grad(sparse), grad(dense), second(sparse), second(dense))
	for i := 0; i < len(out); i += 2 {
		for j, got := range out[i] {
			if want := out[i+1][j]; !almostEqual(got, want, 1e-12) {
				t.Errorf("output %d, number %d: %v, want %v", i, j, got, want)
			}
		}
	}
	if err := graph.Try(func() { SparseCategoricalNLL(ids, flat) }); err == nil {
		t.Error("logits of other axes were taken")
	}
	if y := eval(t, map[string]graph.Value{"ids": {3, -7, 1e9, -1}, "l": in["l"]}, sparse)[0]; y[0] != 0 || y[1] != 0 || y[2] != 0 || y[3] != 0 {
		t.Errorf("ids outside give %v, want 0", y)
	}
}
