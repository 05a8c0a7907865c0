package gan

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// augmented returns images x after the policies, and the draws by name.
func augmented(t *testing.T, p policies, x graphtest.Operand, seed uint64) (graph.Value, map[string]graph.Value) {
	t.Helper()
	key := graph.Input("key", tensor.Int32, 4)
	in := graph.Input("x", tensor.Float32, x.Shape...)
	outputs := []graph.Output{{Name: "y", Value: p.apply(key, "real", in)}}
	for _, name := range []string{"brightness", "saturation", "contrast", "rows", "columns", "row of the cutout", "column of the cutout"} {
		outputs = append(outputs, graph.Output{Name: name, Value: graph.Uniform(key, "real: "+name, x.Shape[0])})
	}
	f, err := graph.NewFunc("augment", []*graph.Node{key, in}, outputs, nil)
	out := run(t, f, err, map[string]graph.Value{"key": graphtest.KeyWords(rng.New(seed)).Value, "x": x.Value}, nil)
	return out["y"], out
}

// looped returns the same as the paper describes it, image by image.
func looped(p policies, x graphtest.Operand, u map[string]graph.Value) graph.Value {
	h, w, c := x.Shape[1], x.Shape[2], x.Shape[3]
	var all graph.Value
	for b := range x.Shape[0] {
		y := slices.Clone(x.Value[b*h*w*c : (b+1)*h*w*c])
		at := func(i, j, k int) int { return (i*w+j)*c + k }
		if p.color {
			for i := range y {
				y[i] += u["brightness"][b] - 0.5
			}
			if c > 1 {
				for i := range h * w {
					mean := 0.0
					for k := range c {
						mean += y[i*c+k] / float64(c)
					}
					for k := range c {
						y[i*c+k] = mean + (y[i*c+k]-mean)*2*u["saturation"][b]
					}
				}
			}
			mean := 0.0
			for i := range y {
				mean += y[i] / float64(len(y))
			}
			for i := range y {
				y[i] = mean + (y[i]-mean)*(u["contrast"][b]+0.5)
			}
		}
		if p.translation {
			shift := func(n int, u float64) int {
				most := int(float64(n)/8 + 0.5)
				return most - int(u*float64(2*most+1))
			}
			down, right := shift(h, u["rows"][b]), shift(w, u["columns"][b])
			moved := make(graph.Value, len(y))
			for i := range h {
				for j := range w {
					for k := range c {
						if i-down >= 0 && i-down < h && j-right >= 0 && j-right < w {
							moved[at(i, j, k)] = y[at(i-down, j-right, k)]
						}
					}
				}
			}
			y = moved
		}
		if p.cutout {
			row, column := u["row of the cutout"][b]*float64(h), u["column of the cutout"][b]*float64(w)
			for i := range h {
				for j := range w {
					if math.Abs(float64(i)+0.5-row) < float64(h)/4 && math.Abs(float64(j)+0.5-column) < float64(w)/4 {
						clear(y[at(i, j, 0) : at(i, j, 0)+c])
					}
				}
			}
		}
		all = append(all, y...)
	}
	return all
}

func TestAugmentationIsItsDefinition(t *testing.T) {
	for _, text := range []string{"none", "color", "translation", "cutout", "color,translation,cutout"} {
		for _, c := range []int{1, 3} {
			a, err := parsePolicies(text)
			if err != nil {
				t.Fatal(err)
			}
			x := graphtest.Uniform(rng.New(3), -1, 1, 9, 12, 21, c)
			got, u := augmented(t, a, x, 5)
			for i, want := range looped(a, x, u) {
				if !(math.Abs(got[i]-want) < 1e-6) { // thirds are rounded to float32
					t.Fatalf("%s, %d channels: value %d is %v, want %v", text, c, i, got[i], want)
				}
			}
			if same := slices.Equal(got, x.Value); same != (text == "none") {
				t.Errorf("%s, %d channels: images are the same: %t", text, c, same)
			}
		}
	}
}

// All distances of a translation are equally likely, and the square of a cutout is whole
// where it does not reach beyond the image.
func TestMovesAndCutoutsAreUniform(t *testing.T) {
	const images = 4000
	x := graphtest.Operand{Shape: graph.Shape{images, 16, 1, 1}, Value: make(graph.Value, 16*images)}
	for i := range x.Value {
		x.Value[i] = 1 + float64(i%16)
	}
	y, _ := augmented(t, policies{translation: true}, x, 1)
	moves := map[int]int{}
	for b := range images {
		moves[int(x.Value[8]-y[16*b+8])]++
	}
	for by := -2; by <= 2; by++ { // σ = √(4000·0.2·0.8) = 25
		if n := moves[by]; n < images/5-130 || n > images/5+130 {
			t.Errorf("%d of %d images are moved by %d", n, images, by)
		}
	}
	if len(moves) != 5 {
		t.Errorf("moves %v", moves)
	}

	x = graphtest.Uniform(rng.New(1), 1, 2, 50, 8, 8, 1)
	y, u := augmented(t, policies{cutout: true}, x, 2)
	whole := 0
	for b := range 50 {
		row, column := 8*u["row of the cutout"][b], 8*u["column of the cutout"][b]
		if min(row, column) < 2 || max(row, column) > 6 {
			continue
		}
		whole++
		gone := 0
		for _, v := range y[64*b : 64*(b+1)] {
			if v == 0 {
				gone++
			}
		}
		if gone != 16 {
			t.Errorf("image %d: the cutout around %v, %v has %d pixels, want 16", b, row, column, gone)
		}
	}
	if whole < 5 {
		t.Errorf("%d cutouts lie inside", whole)
	}
}

// The gradient passes to the image, to second order: a penalty may be on augmented images.
func TestAugmentationGradient(t *testing.T) {
	for _, text := range []string{"color", "translation", "cutout", "color,translation,cutout"} {
		a, err := parsePolicies(text)
		if err != nil {
			t.Fatal(err)
		}
		graphtest.CheckGrad(t, func(x ...*graph.Node) *graph.Node { return graph.Square(a.apply(x[1], "made", x[0])) },
			[]graphtest.Operand{graphtest.Uniform(rng.New(1), -1, 1, 3, 8, 9, 3), graphtest.KeyWords(rng.New(2))}, 2)
	}
}

func TestUnknownAugmentation(t *testing.T) {
	for _, text := range []string{"colour", "", "color,", "none,color"} {
		_, err := parsePolicies(text)
		word := map[string]string{"colour": "colour", "none,color": "none"}[text]
		want := `gan: --augment: no augmentation "` + word + `"; have none, or some of color,translation,cutout`
		if err == nil || flagText(&DenseConfig{}, err) != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
