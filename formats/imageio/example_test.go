package imageio_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/imago-ml/imago/formats/imageio"
)

// Decode recognises the format by the first bytes; Square crops and resizes.
func ExampleDecode() {
	var file bytes.Buffer
	if err := imageio.Encode(&file, imageio.New(30, 40, 3)); err != nil {
		log.Fatal(err)
	}
	m, err := imageio.Decode(&file, imageio.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	square := m.Square(0, 16).Gray()
	fmt.Println(m.H, m.W, m.C, "to", square.H, square.W, square.C)
	// Output: 30 40 3 to 16 16 1
}
