package train_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/fuzzed"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
)

// FuzzHub checks that a folder for a hub whose config.json is well formed but for some faults is refused, or opens as a model
// of the size of its weights.
func FuzzHub(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x05\x01\x07"))
	f.Add([]byte("\x03\x02\x04\x06\x01\x01\x09"))
	set := runtest.Must(runtest.Small(16, 4))
	config := runtest.Config("mlp-vae", set, "latent", "2", "hidden", "4")
	models := runtest.Registry()
	m := runtest.Must(runtest.Must(runtest.Must(models.Kind(config.Kind)).Decode(config.Model)).New(model.Input{Item: set.Item()}))
	weights := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		weights[p.Name] = p.Draw(rng.New(1))
	}
	dir := f.TempDir()
	if err := safetensors.WriteFile(filepath.Join(dir, train.HubWeights), weights, nil); err != nil {
		f.Fatal(err)
	}
	text := runtest.Must(config.Encode(""))
	be := cpu.New(1)
	f.Cleanup(func() { be.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		own := map[string]any{}
		if err := json.Unmarshal(text, &own); err != nil {
			t.Fatal(err)
		}
		file := map[string]any{"model_type": config.Recipe, "step": 7, "config": own}
		for range c.Below(5) {
			c.Change(file)
		}
		content, err := json.Marshal(file)
		if err != nil {
			t.Skip()
		}
		if err := os.WriteFile(filepath.Join(dir, train.HubConfig), content, 0o666); err != nil {
			t.Fatal(err)
		}
		opened, err := train.OpenModel(dir, models, be)
		if err != nil {
			return
		}
		if opened.Latent() != 2 || opened.Item().Size() != set.Item().Size() {
			t.Errorf("%s opens as a model of %d units for %v", content, opened.Latent(), opened.Item())
		}
	})
}
