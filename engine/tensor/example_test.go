package tensor_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/tensor"
)

// Two rows of three pixels: a tensor over a slice, and a new one of zeros.
func Example() {
	pixels := []float32{0, 0.5, 1, 1, 0.5, 0}
	x, err := tensor.FromSlice(pixels, 2, 3)
	if err != nil {
		panic(err)
	}
	y := tensor.New(tensor.Float32, 2, 3)
	for i, v := range x.F32() {
		y.F32()[i] = 1 - v
	}
	fmt.Println(x, x.Size(), y.F32())

	_, err = tensor.FromSlice(pixels, 2, 2)
	fmt.Println(err)
	// Output:
	// f32[2,3] 6 [1 0.5 0 0 0.5 1]
	// tensor: 6 elements for shape [2,2], want 4
}
