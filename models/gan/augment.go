package gan

import (
	"math/bits"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// augment is what is done to every image, real or made, before it is judged:
// differentiable augmentation, whose gradient passes to the generator, so that the
// discriminator cannot learn a small set by heart. Zhao et al. 2020,
// arXiv:2006.10738. Each image has draws of its own, in this order:
//
//   - color: u₁ added, u₁ from U(−½, ½); saturation, the distance to the mean over the
//     channels, times U(0, 2), where there are channels; contrast, the distance to
//     the mean over the image, times U(½, 3/2)
//   - translation: by whole numbers of rows and columns, uniform over what is at most
//     ⅛ of the side, rounded; 0 comes in, the grey in the middle of [−1, 1]
//   - cutout: a square of half the sides is 0, its centre uniform over the image
type augment struct{ color, translation, cutout bool }

// noAugment is the word for none.
const noAugment = "none"

// parseAugment reads words with commas between; none is no word.
func parseAugment(text string) (augment, error) {
	var a augment
	if text == noAugment {
		return a, nil
	}
	words := map[string]*bool{"color": &a.color, "translation": &a.translation, "cutout": &a.cutout}
	for word := range strings.SplitSeq(text, ",") {
		on := words[word]
		if on == nil {
			return augment{}, option.Errorf("gan: {Augment}: no augmentation %q; have none, or some of color,translation,cutout", word)
		}
		*on = true
	}
	return a, nil
}

// apply augments x (B,H,W,C) in [−1, 1] by draws of the streams whose names begin
// with that one.
func (a augment) apply(key *graph.Node, stream string, x *graph.Node) *graph.Node {
	n := x.Shape()[0]
	draw := func(what string) *graph.Node { return graph.Uniform(key, stream+": "+what, n) }
	if a.color {
		x = graph.Add(x, perImage(graph.AddScalar(draw("brightness"), -0.5)))
		if c := x.Shape()[3]; c > 1 {
			s := x.Shape().Clone()
			s[3] = 1
			x = stretch(x, graph.Reshape(graph.Mean(x, 3), s...), graph.Scale(draw("saturation"), 2))
		}
		x = stretch(x, perImage(graph.Mean(x, 1, 2, 3)), graph.AddScalar(draw("contrast"), 0.5))
	}
	if a.translation {
		x = translate(x, 1, draw("rows"))
		x = translate(x, 2, draw("columns"))
	}
	if a.cutout {
		rows, columns := within(x, 1, draw("row of the cutout")), within(x, 2, draw("column of the cutout"))
		x = graph.Select(graph.Mul(rows, columns), graph.Const(0), x)
	}
	return x
}

// perImage returns v (B) as (B,1,1,1), a number for all values of an image.
func perImage(v *graph.Node) *graph.Node { return graph.Reshape(v, -1, 1, 1, 1) }

// stretch returns mean + (x − mean)·factor, factor (B).
func stretch(x, mean, factor *graph.Node) *graph.Node {
	return graph.Add(mean, graph.Mul(graph.Sub(x, mean), perImage(factor)))
}

// translate moves each image along an axis of length n by k − m places, m = n/8
// rounded and k = 0 … 2m, each as likely: u (B) from U[0, 1). A move by a number
// that is known only in the run is one by each of its bits, or not.
func translate(x *graph.Node, axis int, u *graph.Node) *graph.Node {
	n := x.Shape()[axis]
	most := (n + 4) / 8
	if most == 0 {
		return x
	}
	digits := bits.Len(uint(2 * most))
	// y[i] = p[i + j], p being x with m zeros before it, is x moved by m − j.
	lo, hi, none := make([]int, 4), make([]int, 4), make([]int, 4)
	lo[axis], hi[axis] = most, 1<<digits-1-most
	x = graph.Pad(x, lo, hi, none)
	j := graph.Const(0)
	for k := range 2 * most {
		j = graph.Add(j, graph.Greater(u, graph.Const(float64(k+1)/float64(2*most+1))))
	}
	for bit := digits - 1; bit >= 0; bit-- {
		by := 1 << bit
		set := graph.Greater(j, graph.Const(float64(by)-0.5))
		j = graph.Sub(j, graph.Scale(set, float64(by)))
		length := x.Shape()[axis] - by
		x = graph.Select(perImage(set), along(x, axis, by, length), along(x, axis, 0, length))
	}
	return x
}

// along returns length places of an axis, from that one on.
func along(x *graph.Node, axis, from, length int) *graph.Node {
	lo, hi, one := make([]int, 4), x.Shape().Clone(), []int{1, 1, 1, 1}
	lo[axis], hi[axis] = from, from+length
	return graph.Slice(x, lo, hi, one)
}

// within returns 1 where a place of an axis of length n is less than n/4 from the
// centre u·n, u (B) from U[0, 1), else 0: (B,n,1,1) or (B,1,n,1).
func within(x *graph.Node, axis int, u *graph.Node) *graph.Node {
	n := x.Shape()[axis]
	places := make([]float32, n)
	for i := range places {
		places[i] = float32(i) + 0.5
	}
	shape := []int{1, 1, 1, 1}
	shape[axis] = n
	off := graph.Abs(graph.Sub(graph.ConstOf(places, shape...), perImage(graph.Scale(u, float64(n)))))
	return graph.Greater(graph.Const(float64(n)/4), off)
}
