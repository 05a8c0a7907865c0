package safetensors_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "w.safetensors")
	w, err := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = safetensors.WriteFile(name, map[string]*tensor.Tensor{"dense.w": w}, map[string]string{"recipe": "mlp-vae"})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := safetensors.Open(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	x, err := f.Tensor("dense.w")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Metadata()["recipe"], x, x.F32()[5])
	// Output: mlp-vae f32[2,3] 6
}
