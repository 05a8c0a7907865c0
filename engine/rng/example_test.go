package rng_test

import (
	"fmt"

	"github.com/imago-ml/imago/engine/rng"
)

// Draws depend on the seed, the names and the indices, and not on other draws.
func Example() {
	key := rng.New(7)
	a, b := make([]float32, 3), make([]float32, 3)
	key.Split("noise").At(0).Normal(a)
	key.Split("noise").At(1).Normal(b) // other numbers
	again := make([]float32, 3)
	key.Split("noise").At(0).Normal(again) // the same numbers as in a

	fmt.Println(a[0] == again[0], a[0] == b[0])
	fmt.Println(len(key.Split("order").Perm(5)))
	// Output:
	// true false
	// 5
}
