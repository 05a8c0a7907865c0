package main

import (
	"context"
	"math"
	"testing"

	"github.com/imago-ml/imago"
)

// The weights of the first model after an epoch of 20 steps, by latent.Session.Fingerprint, on the arithmetic that the
// zoo was made on: made by this test.
const (
	shortItems       = 2560
	shortArithmetic  = "float32 avx2/avx512"
	shortFingerprint = "e7fb7093f2e4be5260fdc29e350b598c70b85e08c851749eac7ffa925f598043"
)

// TestSame checks that a model is trained to the same bits as when the zoo was made, by the first steps of one.
func TestSame(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	ctx, r := context.Background(), recipes()[0]
	r.training.Epochs = 1
	run, err := r.train(ctx, t.TempDir(), 0, shortItems)
	if err != nil {
		t.Fatal(err)
	}
	if run.Config.Arithmetic != shortArithmetic {
		t.Skipf("arithmetic is %s, and the zoo was made on %s", run.Config.Arithmetic, shortArithmetic)
	}
	m, err := imago.Open(run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, err := m.Fingerprint(); got != shortFingerprint || err != nil {
		t.Errorf("the weights are %s, %v, want %s: what is trained has changed, so make the zoo again", got, err, shortFingerprint)
	}
}

func TestRound(t *testing.T) {
	for v, want := range map[float32]float32{
		0: 0, 1: 1, -1.5: -1.5, 65504: 65504,
		1 + 1.0/2048:                1, // half way: the even one
		1 + 3.0/2048:                1 + 4.0/2048,
		1 + 1.01/2048:               1 + 1.0/1024,
		-math.Pi:                    -3.140625,
		math.SmallestNonzeroFloat32: 0,
	} {
		if got := round11(v); got != want {
			t.Errorf("round11(%v) = %v, want %v", v, got, want)
		}
	}
}
