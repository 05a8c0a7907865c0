package update

import (
	"slices"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/optim"
)

// Two updates of one parameter with one rule, prefixed, have moments of their own.
func TestPrefixed(t *testing.T) {
	p, lr := graph.State("p", 2), graph.Const(0.1)
	var names []string
	f := &graph.Func{Name: "step"}
	states := map[string]graph.Value{"p": {1, 2}}
	for _, prefix := range []string{"a/", "b/"} {
		updates, slots := Prefixed(optim.DefaultAdam(), prefix).Update([]*graph.Node{p}, []*graph.Node{graph.Scale(p, 2)}, lr)
		for _, s := range slots {
			names = append(names, s.Name)
			states[s.Name] = slices.Repeat(graph.Value{float64(s.Value)}, max(1, s.Shape.Size()))
		}
		if prefix == "b/" {
			f.Updates = updates
		}
	}
	want := []string{"a/optimizer/adam/beta1_power", "a/optimizer/adam/beta2_power", "a/optimizer/adam/m/p", "a/optimizer/adam/v/p"}
	if !slices.Equal(names[:4], want) || names[4] != "b/optimizer/adam/beta1_power" {
		t.Fatalf("slots %v", names)
	}
	g, err := graph.NewFunc("step", nil, nil, f.Updates)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := graph.Interp(g, graph.Env{States: states}); err != nil {
		t.Fatal(err)
	}
	if states["a/optimizer/adam/m/p"][0] != 0 || states["b/optimizer/adam/m/p"][0] == 0 || states["p"][0] == 1 {
		t.Errorf("states %v", states)
	}
}
