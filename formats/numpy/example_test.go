package numpy_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
)

// WriteNPY writes what numpy.load reads; ReadNPY reads what numpy.save writes.
func ExampleWriteNPY() {
	t, err := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := numpy.WriteNPY(&file, t); err != nil {
		log.Fatal(err)
	}
	read, err := numpy.ReadNPY(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(read.Shape(), read.F32())
	// Output: [2,3] [1 2 3 4 5 6]
}
