package mnist_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/imago-ml/imago/data/mnist"
)

// Encode writes an IDX file, Decode reads one.
func ExampleDecode() {
	images := mnist.IDX{Dims: []int{2, 1, 3}, Data: []uint8{0, 128, 255, 1, 2, 3}}
	read, err := mnist.Decode(bytes.NewReader(images.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(read.Dims, read.Data)
	// Output: [2 1 3] [0 128 255 1 2 3]
}
