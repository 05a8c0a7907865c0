package eval

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// groups is a stamp with classes of its own: the class of an image whose quarter c is bright
// is of[c].
type groups struct {
	stamp
	of []int
}

func (g groups) model() *model.Model {
	m := g.stamp.model()
	m.Classify = g.Classify
	return m
}

func (g groups) Classify(n int) (*graph.Func, error) {
	x := graph.Input(model.InputX, tensor.Float32, n, quarterSide, quarterSide, 1)
	pictures := make([]float32, quarterSize*4)
	for c, to := range g.of {
		for i, v := range quarter(c) {
			pictures[4*i+to] += v
		}
	}
	y := graph.MatMul(graph.Reshape(x, n, quarterSize), graph.ConstOf(pictures, quarterSize, 4))
	return graph.NewFunc("classify", []*graph.Node{x}, []graph.Output{{Name: model.OutputProbs, Value: y}}, nil)
}

// TestClusters checks that classes under other names agree in full, and that of two classes
// which are one, the half agrees that is assigned to its label.
func TestClusters(t *testing.T) {
	set := quarters(t, 200)
	in := model.Input{Item: pixels.Item(quarterSide, quarterSide, 1), Labels: 4}
	be := cpu.New(1)
	defer be.Close()
	task := Task{Protocol: DefaultProtocol(), Set: set, Only: []string{"cluster"}}
	task.Net = netOf(t, set, be)
	net, err := task.Net(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		of            []int
		accuracy, nmi float64
	}{
		{[]int{2, 0, 3, 1}, 1, 1},
		{[]int{0, 1, 2, 2}, 0.75, 1.5 / ((1.5 + 2) / 2)}, // bits: of 4 classes 2, of ½, ¼, ¼ 1.5, which all are in common
	} {
		s, missing, err := ofToy(t, groups{of: tt.of}, in).Measure(context.Background(), task)
		if err != nil || len(missing) != 0 || len(s) != 3 {
			t.Fatalf("%v: scores %v, missing %v, %v", tt.of, s.Map(), missing, err)
		}
		for i, want := range []float64{tt.accuracy, tt.nmi, tt.accuracy} {
			if got := s[i].Value; !(math.Abs(got-want) < 1e-9) {
				t.Errorf("%v: %s is %v, want %v", tt.of, s[i].Metric.Name, got, want)
			}
		}
		if made := s[2]; made.Images != 200 || !strings.Contains(made.Note, net.Weights[:8]) {
			t.Errorf("of made images: %+v", made)
		}
	}
	_, missing, err := ofToy(t, stamp{}, in).Measure(context.Background(), task)
	if err != nil || len(missing) != 3 || missing[0].Why != "the model finds no classes" {
		t.Errorf("of a model without classes: %v, %v", missing, err)
	}
}
