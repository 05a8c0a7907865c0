package table_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
)

// The columns of numbers are scaled to [0, 1]; the column of words becomes the classes.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "table")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "irises.csv")
	if err := os.WriteFile(path, []byte("length,width,kind\n5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,virginica\n"), 0o666); err != nil {
		log.Fatal(err)
	}
	set, err := table.Open(context.Background(), path, data.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range set.Item().Medium.(table.Medium).Columns {
		fmt.Println(c.Name)
	}
	fmt.Println(set.Classes)
	// Output:
	// length
	// width
	// [setosa versicolor virginica]
}
