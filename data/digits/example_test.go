package digits_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/engine/rng"
)

// A digit is drawn from a random key: equal keys give equal pixels.
func ExampleDraw() {
	pix := make([]uint8, 28*28)
	if err := digits.Draw(rng.New(1), 7, pix); err != nil {
		log.Fatal(err)
	}
	for y := 6; y < 24; y += 2 {
		line := ""
		for x := 4; x < 24; x++ {
			line += string(" .:#"[pix[y*28+x]/64])
		}
		fmt.Println("|" + strings.TrimRight(line, " "))
	}
	// Output:
	// |
	// |   .########
	// | ###:     ##
	// |          ##
	// |          :#:  .:
	// |         .:#####:
	// |      :##:.:#.
	// |           .#:
	// |            ##
}
