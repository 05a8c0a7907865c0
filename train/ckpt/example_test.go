package ckpt_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/train/ckpt"
)

// A manager saves the checkpoints of a run; any process reads the latest one.
func Example() {
	root, err := os.MkdirTemp("", "ckpt")
	check(err)
	defer os.RemoveAll(root)
	dir := ckpt.Dir(filepath.Join(root, "checkpoints"))
	manager, err := ckpt.OpenManager(dir, 2) // the last two, and the best
	check(err)
	for step := range int64(4) {
		w, err := tensor.FromSlice([]float32{float32(step)}, 1)
		check(err)
		_, err = manager.Save(&ckpt.Checkpoint{
			State:   ckpt.State{Recipe: "mine", Config: []byte("{}"), Step: step},
			Weights: map[string]*tensor.Tensor{"w": w}, Optimizer: map[string]*tensor.Tensor{},
		})
		check(err)
	}

	names, err := ckpt.List(dir)
	check(err)
	latest, err := ckpt.Latest(dir)
	check(err)
	fmt.Println(len(names), "checkpoints, the latest of step", latest.State.Step, latest.Weights["w"].F32())
	// Output: 2 checkpoints, the latest of step 3 [3]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
