package eval

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// An album is a model that draws memorised pictures, each with its share.
type album struct {
	img      medium.Item
	pictures [][]float32
	shares   []float64
}

func (a album) model() *model.Model { return &model.Model{Eval: a.Eval, Sample: a.Sample} }

func (a album) Eval(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, a.img.Batch(n)...)
	w := graph.Input(model.InputWeight, tensor.Float32, n)
	return graph.NewFunc("eval", []*graph.Node{x, w}, []graph.Output{{Name: model.Loss + model.SumSuffix, Value: graph.Sum(graph.Mul(w, graph.Mean(x, 1, 2, 3)))}}, nil)
}

func (a album) Sample(n int) (*graph.Func, error) {
	k := len(a.pictures)
	var from, to []float32
	sum := 0.0
	for _, s := range a.shares {
		from = append(from, float32(sum))
		sum += s
		to = append(to, float32(sum))
	}
	from[0], to[k-1] = -1, 2
	key := graph.Input(model.InputKey, tensor.Int32, 4)
	u := graph.BroadcastTo(graph.Uniform(key, "which", n, 1), n, k)
	over := func(limits []float32) *graph.Node {
		return graph.Greater(u, graph.BroadcastTo(graph.ConstOf(limits, 1, k), n, k))
	}
	which := graph.Sub(over(from), over(to))
	x := graph.MatMul(which, graph.ConstOf(slices.Concat(a.pictures...), k, a.img.Size()))
	return graph.NewFunc("sample", []*graph.Node{key}, []graph.Output{{Name: model.OutputPicture, Value: graph.Reshape(x, a.img.Batch(n)...)}}, nil)
}

// evenly returns equal shares of n pictures.
func evenly(n int) []float64 { return slices.Repeat([]float64{1 / float64(n)}, n) }

// netOf returns the function that opens the feature net of a set; other sets have none.
func netOf(t *testing.T, set *data.Set, be backend.Backend) func(context.Context, *data.Set) (*feature.Net, error) {
	t.Helper()
	n, err := feature.Open(context.Background(), set, be, feature.Options{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	return func(_ context.Context, of *data.Set) (*feature.Net, error) {
		if of.Digest != set.Digest {
			return nil, feature.ErrUnfit
		}
		return n, nil
	}
}

// TestModes checks that missing modes are counted: classes, and triples of classes where each
// channel is an image of its own.
func TestModes(t *testing.T) {
	set := quarters(t, 200)
	be := cpu.New(1)
	defer be.Close()
	net := netOf(t, set, be)
	grey := pixels.Item(quarterSide, quarterSide, 1)
	task := Task{Protocol: DefaultProtocol(), Set: set, Seed: 1, Only: []string{"mode"}, Net: net}
	task.Generated = 200
	tag := feature.Tag(set)

	a := album{img: grey, pictures: [][]float32{quarter(0), quarter(1), quarter(3)}, shares: []float64{0.5, 0.3, 0.2}}
	s, missing, err := ofToy(t, a, model.Input{Item: grey}).Measure(context.Background(), task)
	if err != nil || len(s) != 4 || len(missing) != 0 {
		t.Fatalf("scores %v, missing %v, %v", s.Map(), missing, err)
	}
	counts, kl := s[0].Units, 0.0
	for _, n := range counts {
		if p := n / 200; p > 0 {
			kl += p * math.Log(4*p)
		}
	}
	if len(counts) != 4 || counts[2] != 0 || !(math.Abs(counts[0]-100) <= 30) || !(math.Abs(counts[1]-60) <= 25) || counts[0]+counts[1]+counts[3] != 200 {
		t.Errorf("the images by class are %v of 200, want about half, 30 %%, none, the rest", counts)
	}
	if want := fmt.Sprintf("200 generated images by class: a %v, b %v, c 0, d %v; ", counts[0], counts[1], counts[3]); !strings.HasPrefix(s[0].Note, want) {
		t.Errorf("the note is %q, want %q", s[0].Note, want)
	}
	for name, want := range map[string]float64{"modes": 3, "mode_kl": kl, "mode_most": 4 * counts[0] / 200, "mode_least": 0} {
		if got, ok := s.Get(name + "_" + tag + "_200"); !ok || !(math.Abs(got-want) <= 1e-12) {
			t.Errorf("%s is %v, want %v; have %v", name, got, want, s.Map())
		}
	}

	// What no training image is of has no share to be compared with.
	less := *set
	less.Train.Labels = slices.Clone(set.Train.Labels)
	for i := range less.Train.Labels {
		less.Train.Labels[i] = min(less.Train.Labels[i], 2)
	}
	task.Set = &less
	s, missing, err = ofToy(t, a, model.Input{Item: grey}).Measure(context.Background(), task)
	if err != nil || len(s) != 3 || len(missing) != 1 || !strings.Contains(missing[0].Why, "class 3, of which there is no training image") {
		t.Errorf("without a class: %v, %v, %v", s.Map(), missing, err)
	}
	if got := s[1].Value; !(math.Abs(got-3*counts[0]/200) <= 1e-12) {
		t.Errorf("the most frequent of three modes is %v of uniform, want %v", got, 3*counts[0]/200)
	}

	// Of channels a mode is a triple, and the net is that of their set.
	rgb := pixels.Item(quarterSide, quarterSide, 3)
	triple := func(of ...int) []float32 {
		x := make([]float32, rgb.Size())
		for ch, c := range of {
			for i, v := range quarter(c) {
				x[3*i+ch] = v
			}
		}
		return x
	}
	pix := make([]uint8, 100*rgb.Size())
	m, err := data.NewInMemory(pix, 100, rgb)
	if err != nil {
		t.Fatal(err)
	}
	stacked := &data.Set{Name: "stacked", Train: data.Split{Items: m}, Test: data.Split{Items: m}, Channels: set}
	b := album{img: rgb, pictures: [][]float32{triple(0, 0, 0), triple(1, 2, 3), triple(3, 2, 1)}, shares: evenly(3)}
	task = Task{Protocol: DefaultProtocol(), Set: stacked, Seed: 1, Only: []string{"mode"}, Net: net}
	task.Generated = 100
	s, missing, err = ofToy(t, b, model.Input{Item: rgb}).Measure(context.Background(), task)
	if err != nil || len(s) != 4 {
		t.Fatalf("scores %v, missing %v, %v", s.Map(), missing, err)
	}
	counts = s[0].Units
	if want := "modes_" + tag + "_260"; s[0].Metric.Name != want || s[0].Value != 3 || s[0].Images != 260 || len(counts) != 64 {
		t.Errorf("%d modes: %+v, want 3 of 64 by %s", len(counts), s[0], want)
	}
	kl = 0
	for _, at := range []int{0, 1*16 + 2*4 + 3, 3*16 + 2*4 + 1} {
		if n := counts[at]; !(math.Abs(n-260.0/3) <= 35) {
			t.Errorf("mode %d has %v of 260 images, want a third", at, n)
		}
		p := counts[at] / 260
		kl += p * math.Log(64*p)
	}
	if want := "takes images as they are"; !strings.HasPrefix(s[0].Note, "each channel by imago-cnn-1") || !strings.HasSuffix(s[0].Note, want) {
		t.Errorf("the note is %q", s[0].Note)
	}
	if got := s[1].Value; !(math.Abs(got-kl) <= 1e-12) {
		t.Errorf("the KL from uniform is %v, want %v", got, kl)
	}
	task.Net = nil
	if s, missing, err := ofToy(t, b, model.Input{Item: rgb}).Measure(context.Background(), task); err != nil || len(s) != 0 || missing[0].Why != "there is no feature net" {
		t.Errorf("without a net for the channels: %v, %v, %v", s.Map(), missing, err)
	}
}

// TestMemorised checks that memorised training images are found, by features and by pixels,
// and images that are only similar are not.
func TestMemorised(t *testing.T) {
	set := quarters(t, 200)
	fresh := quarters(t, 300).Train.Items // of which the first 200 are those of set
	grey := pixels.Item(quarterSide, quarterSide, 1)
	be := cpu.New(1)
	defer be.Close()
	net := netOf(t, set, be)
	pictures := func(images data.Items) (out [][]float32) {
		x, err := data.AllFloats(context.Background(), images)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(x); at += quarterSize {
			out = append(out, x[at:at+quarterSize])
		}
		return out
	}
	task := Task{Protocol: DefaultProtocol(), Set: set, Seed: 1, Only: []string{"memorised"}, Net: net}
	for name, tt := range map[string]struct {
		of          [][]float32
		least, most float64
	}{
		"memorised":  {pictures(set.Train.Items), 1, 1},
		"like them":  {pictures(fresh)[200:], 0, 0.08},
		"half of it": {append(pictures(set.Train.Items)[:100], pictures(fresh)[200:]...), 0.38, 0.65},
	} {
		s, missing, err := ofToy(t, album{img: grey, pictures: tt.of, shares: evenly(len(tt.of))}, model.Input{Item: grey}).Measure(context.Background(), task)
		if err != nil || len(s) != 2 {
			t.Fatalf("%s: scores %v, missing %v, %v", name, s.Map(), missing, err)
		}
		for i, want := range []string{"test_memorised_" + feature.Tag(set) + "_200", "test_memorised_pixels_200"} {
			if x := s[i]; x.Metric.Name != want || !(x.Value >= tt.least && x.Value <= tt.most) || x.Images != 200 {
				t.Errorf("%s: %s is %v of %d images, want %s from %v to %v", name, x.Metric.Name, x.Value, x.Images, want, tt.least, tt.most)
			}
		}
		if name == "memorised" && !strings.Contains(s[1].Note, "half of the generated images are nearer to a training image than 0, ") {
			t.Errorf("the note is %q", s[1].Note)
		}
	}
}

// TestSplitChannels checks the order of the channels of an image.
func TestSplitChannels(t *testing.T) {
	got := splitChannels([]uint8{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}, 1, 2, 3)
	if want := []uint8{1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
