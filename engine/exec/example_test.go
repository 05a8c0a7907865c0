package exec_test

import (
	"context"
	"fmt"
	"log"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// A function that multiplies each row by a weight is run on one batch, and then on five
// rows in batches of two.
func Example() {
	be := cpu.New(1)
	defer be.Close()
	r := exec.New(be, nil)
	w, err := tensor.FromSlice([]float32{10}, 1)
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Set("w", w); err != nil {
		log.Fatal(err)
	}
	scale := r.Func(func(batch int) (*graph.Func, error) {
		x := graph.Input("x", tensor.Float32, batch, 1)
		y := graph.Mul(x, graph.BroadcastTo(graph.State("w", 1), batch, 1))
		return graph.NewFunc("scale", []*graph.Node{x}, []graph.Output{{Name: "y", Value: y}}, nil)
	})

	ctx := context.Background()
	x, err := tensor.FromSlice([]float32{1, 2}, 2, 1)
	if err != nil {
		log.Fatal(err)
	}
	one, err := scale.Run(ctx, 2, exec.Inputs{"x": x})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(one["y"].F32())

	rows := []float32{1, 2, 3, 4, 5}
	all, err := scale.Rows(ctx, len(rows), 2, func(c *exec.Call, at, n int) error {
		return c.Put("x", rows[at:at+n])
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(all["y"])
	// Output:
	// [10 20]
	// [10 20 30 40 50]
}

// A training step keeps its operands between runs: one Call for each batch that is
// prepared ahead, with the learning rate shared by all.
func ExampleCall() {
	be := cpu.New(1)
	defer be.Close()
	r := exec.New(be, nil)
	x, lr := graph.Input("x", tensor.Float32, 2), graph.Input("lr", tensor.Float32)
	mean := graph.State("mean") // moved towards the mean of each batch
	loss := graph.Sub(graph.Mean(x), mean)
	f, err := graph.NewFunc("step", []*graph.Node{x, lr}, []graph.Output{{Name: "loss", Value: loss}},
		[]graph.Update{{State: mean, Value: graph.Add(mean, graph.Mul(lr, loss))}})
	if err != nil {
		log.Fatal(err)
	}
	step, err := r.Compile(f)
	if err != nil {
		log.Fatal(err)
	}
	rate := tensor.New(tensor.Float32)
	rate.F32()[0] = 0.5
	batches := make(chan *exec.Call, 2)
	go func() { // prepares batches ahead of the loop
		defer close(batches)
		for _, v := range [][]float32{{1, 3}, {5, 7}} {
			c := step.NewCall()
			copy(c.Input("x").F32(), v)
			if err := c.Bind("lr", rate); err != nil {
				log.Fatal(err)
			}
			batches <- c
		}
	}()
	for c := range batches {
		if err := c.Run(); err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Output("loss").F32())
	}
	// Output:
	// [2]
	// [5]
}
