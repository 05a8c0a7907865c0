package columns_test

import (
	"log"
	"os"

	"github.com/imago-ml/imago/formats/columns"
)

func ExampleCSV() {
	loss := []float32{0.5, 0.25}
	table := []columns.Column{
		{Name: "epoch", Int: func(row int) int32 { return int32(row + 1) }},
		{Name: "loss", Float: func(row int) float32 { return loss[row] }},
	}
	if err := columns.CSV(os.Stdout, 2, table); err != nil {
		log.Fatal(err)
	}
	// Output:
	// epoch,loss
	// 1,0.5
	// 2,0.25
}
