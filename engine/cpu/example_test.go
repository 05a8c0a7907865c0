package cpu_test

import (
	"fmt"
	"log"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// Compile a function with a state and run it twice. Each run adds its input to the state.
func Example() {
	x, total := graph.Input("x", tensor.Float32, 3), graph.State("total", 3)
	sum := graph.Add(total, x)
	f, err := graph.NewFunc("accumulate", []*graph.Node{x},
		[]graph.Output{{Name: "largest", Value: graph.ReduceMax(sum)}},
		[]graph.Update{{State: total, Value: sum}})
	if err != nil {
		log.Fatal(err)
	}

	be := cpu.New(2) // two threads; the results are the same with any number
	defer be.Close()
	state := be.NewState()
	program, err := be.Compile(f, state, backend.Options{})
	if err != nil {
		log.Fatal(err)
	}
	in, out := program.Inputs()[0].New(), program.Outputs()[0].New()
	copy(in.F32(), []float32{1, 2, 4})
	for range 2 {
		if err := program.Run([]*tensor.Tensor{in}, []*tensor.Tensor{out}); err != nil {
			log.Fatal(err)
		}
		fmt.Println("largest:", out.F32()[0])
	}
	t, err := state.Get("total")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("total:", t.F32())
	// Output:
	// largest: 4
	// largest: 8
	// total: [2 4 8]
}

// The sizes of a compiled function. Give Dump a writer to print it after every pass.
func ExampleDump() {
	x := graph.Input("x", tensor.Float32, 64, 10)
	y := graph.Tanh(graph.MatMul(x, graph.State("w", 10, 4)))
	f, err := graph.NewFunc("layer", []*graph.Node{x}, []graph.Output{{Name: "y", Value: y}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	sizes, err := cpu.Dump(nil, f, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("nodes:", sizes.Nodes, "groups:", sizes.Groups)
	// Output: nodes: 4 groups: 1
}
