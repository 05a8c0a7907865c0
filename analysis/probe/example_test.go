package probe_test

import (
	"context"
	"fmt"
	"log"

	"github.com/imago-ml/imago/analysis/probe"
)

// A linear probe: how well does a linear classifier read the class from the codes?
func ExampleFeatures_Logistic() {
	codes := []float32{-2, 0, -1, 1, 1, 0, 2, 1} // (4, 2)
	labels := []int32{0, 0, 1, 1}
	f, err := probe.NewFeatures(codes, 2)
	if err != nil {
		log.Fatal(err)
	}
	classifier, err := f.Logistic(context.Background(), labels, 2, 1e-4)
	if err != nil {
		log.Fatal(err)
	}
	predicted, err := classifier.Predict(codes)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(probe.Accuracy(predicted, labels))
	// Output: 1
}

// The probability that a positive scores higher than a negative.
func ExampleAUROC() {
	area, err := probe.AUROC([]float64{0.9, 0.8, 0.7, 0.1}, []bool{true, false, true, false})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(area)
	// Output: 0.75
}
