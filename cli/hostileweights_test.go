package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/train/runlog"
)

// TestHostileWeights checks that small files of weights, whose configuration is of very large images or of very many
// layers, are refused at once and within the memory budget.
func TestHostileWeights(t *testing.T) {
	defer memory.SetLimit(0)
	a := newApp(&bytes.Buffer{}, &bytes.Buffer{})
	items, err := data.NewInMemory(make([]uint8, 2*28*28), 2, pixels.Item(28, 28, 1))
	if err != nil {
		t.Fatal(err)
	}
	set := &data.Set{Name: "x", Digest: "x", Train: data.Split{Items: items}}
	for _, tt := range []struct {
		recipe, option string
		value          any
		shape          []int // of an item
		say            string
	}{
		{"dcgan", "filters", slices.Repeat([]int{1}, 12), []int{1 << 14, 1 << 14, 1}, ` takes [0-9.]+ GB of memory, and imago may use 200 MB.*--memory`},
		{"mlp-vae", "hidden", slices.Repeat([]int{1}, 200_000), []int{28, 28, 1}, `--hidden has 200000 layers: want at most 64`},
	} {
		rec, err := a.Models.Recipe(tt.recipe)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := a.Models.Config(rec)
		if err != nil {
			t.Fatal(err)
		}
		config, err := runlog.NewConfig(rec, cfg, set, "x", data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var options map[string]any
		if err := json.Unmarshal(config.Model, &options); err != nil {
			t.Fatal(err)
		}
		options[tt.option] = tt.value
		if config.Model, err = json.Marshal(options); err != nil {
			t.Fatal(err)
		}
		config.Data.Item.Shape = tt.shape
		weights := map[string]*tensor.Tensor{}
		if m, err := config.Build(&a.Models); err == nil { // all that the model wants is in the file
			for _, p := range m.Params {
				weights[p.Name] = tensor.New(tensor.Float32, p.Shape...)
			}
		}
		text, err := config.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "weights.safetensors")
		if err := safetensors.WriteFile(name, weights, map[string]string{"imago": "x", "recipe": tt.recipe, "config": string(text), "step": "1"}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		start := time.Now()
		status := run(t.Context(), []string{"sample", "--weights", name, "--memory", "200MB", "--out", filepath.Join(t.TempDir(), "x.png")}, &bytes.Buffer{}, &stderr)
		if status != 1 || !regexp.MustCompile(tt.say).Match(stderr.Bytes()) {
			t.Errorf("%s of %d bytes: status %d, %.300s", tt.recipe, info.Size(), status, &stderr)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s of %d bytes: it took %v", tt.recipe, info.Size(), took)
		}
	}
}
