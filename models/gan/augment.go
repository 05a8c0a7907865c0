package gan

import (
	"math/bits"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// An Augmentation changes images before the discriminator, real and generated ones alike:
// x (B,H,W,C) in [−1, 1] → (B,H,W,C). It draws from key, the random key of the batch, in
// streams whose names begin with stream. The gradient passes through it to the generator.
type Augmentation func(key *graph.Node, stream string, x *graph.Node) *graph.Node

// noAugmentation is the text for none.
const noAugmentation = "none"

// DiffAugment returns the differentiable augmentation of Zhao et al., arXiv:2006.10738,
// which keeps a discriminator from learning a small set by heart. text lists policies with
// commas between; "none" is nil. Each image has draws of its own, applied in this order:
//
//   - color: u₁ added, u₁ from U(−½, ½); saturation, the distance to the mean over the
//     channels, times U(0, 2), where there are channels; contrast, the distance to
//     the mean over the image, times U(½, 3/2)
//   - translation: by whole numbers of rows and columns, uniform up to ⅛ of the side,
//     rounded; the pixels that enter are 0, grey in [−1, 1]
//   - cutout: a square of half the sides is 0, its centre uniform over the image
func DiffAugment(text string) (Augmentation, error) {
	p, err := parsePolicies(text)
	if err != nil || p == (policies{}) {
		return nil, err
	}
	return p.apply, nil
}

// policies are the policies of DiffAugment that apply.
type policies struct{ color, translation, cutout bool }

// parsePolicies returns the policies that text lists.
func parsePolicies(text string) (policies, error) {
	var p policies
	if text == noAugmentation {
		return p, nil
	}
	byName := map[string]*bool{"color": &p.color, "translation": &p.translation, "cutout": &p.cutout}
	for name := range strings.SplitSeq(text, ",") {
		enabled := byName[name]
		if enabled == nil {
			return policies{}, option.Errorf("gan: {Augment}: no augmentation %q; have none, or some of color,translation,cutout", name)
		}
		*enabled = true
	}
	return p, nil
}

// apply augments images by the policies: it is the Augmentation that DiffAugment returns.
func (p policies) apply(key *graph.Node, stream string, x *graph.Node) *graph.Node {
	if len(x.Shape()) != 4 {
		panic(&graph.ShapeError{Op: "DiffAugment", In: []graph.Shape{x.Shape()}, Want: "want images (B,H,W,C)"})
	}
	n := x.Shape()[0]
	draw := func(name string) *graph.Node { return graph.Uniform(key, stream+": "+name, n) }
	if p.color {
		x = graph.Add(x, perImage(graph.AddScalar(draw("brightness"), -0.5)))
		if c := x.Shape()[3]; c > 1 {
			s := x.Shape().Clone()
			s[3] = 1
			x = scaleAround(graph.Reshape(graph.Mean(x, 3), s...), x, graph.Scale(draw("saturation"), 2))
		}
		x = scaleAround(perImage(graph.Mean(x, 1, 2, 3)), x, graph.AddScalar(draw("contrast"), 0.5))
	}
	if p.translation {
		x = translate(x, 1, draw("rows"))
		x = translate(x, 2, draw("columns"))
	}
	if p.cutout {
		rows, columns := cutoutMask(x, 1, draw("row of the cutout")), cutoutMask(x, 2, draw("column of the cutout"))
		x = graph.Select(graph.Mul(rows, columns), graph.Const(0), x)
	}
	return x
}

// perImage returns v (B) as (B,1,1,1): one number for all values of an image.
func perImage(v *graph.Node) *graph.Node { return graph.Reshape(v, -1, 1, 1, 1) }

// scaleAround returns mean + (x − mean)·factor, factor (B).
func scaleAround(mean, x, factor *graph.Node) *graph.Node {
	return graph.Add(mean, graph.Mul(graph.Sub(x, mean), perImage(factor)))
}

// translate moves each image along an axis of length n by k − m places, with m = n/8
// rounded and k uniform from 0 to 2m: u (B) from U[0, 1). The distance is known only in
// the run, so the image moves by 1, 2, 4, … places, or not, as the bits of the distance
// are.
func translate(x *graph.Node, axis int, u *graph.Node) *graph.Node {
	n := x.Shape()[axis]
	most := (n + 4) / 8
	if most == 0 {
		return x
	}
	digits := bits.Len(uint(2 * most))
	// With p = x after m zeros, y[i] = p[i + j] is x moved by m − j places.
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
		x = graph.Select(perImage(set), slice(x, axis, by, length), slice(x, axis, 0, length))
	}
	return x
}

// slice returns length places of an axis, from that one on.
func slice(x *graph.Node, axis, from, length int) *graph.Node {
	lo, hi, one := make([]int, 4), x.Shape().Clone(), []int{1, 1, 1, 1}
	lo[axis], hi[axis] = from, from+length
	return graph.Slice(x, lo, hi, one)
}

// cutoutMask returns 1 where a place of an axis of length n is less than n/4 from the
// centre u·n, with u (B) from U[0, 1), else 0: (B,n,1,1) or (B,1,n,1).
func cutoutMask(x *graph.Node, axis int, u *graph.Node) *graph.Node {
	n := x.Shape()[axis]
	places := make([]float32, n)
	for i := range places {
		places[i] = float32(i) + 0.5
	}
	shape := []int{1, 1, 1, 1}
	shape[axis] = n
	distance := graph.Abs(graph.Sub(graph.ConstOf(places, shape...), perImage(graph.Scale(u, float64(n)))))
	return graph.Greater(graph.Const(float64(n)/4), distance)
}
