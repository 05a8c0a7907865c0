package runlog

import (
	"encoding/json"
	"maps"
	"testing"
)

// TestFields checks the names and the values of fields: those of objects, a seed that float64
// does not hold, text and lists.
func TestFields(t *testing.T) {
	c := Config{Recipe: "cnn-vae", Seed: 1<<63 + 1, LR: 1e-3, Epochs: 2, Model: json.RawMessage(`{ "filters": [2,3], "loss": "b\"ce", "of": {"deep": true}, "none": {} }`)}
	c.Data.Digest, c.Checkpoints.Keep = "01", 3
	got := c.Fields()
	for name, want := range map[string]string{
		"recipe": "cnn-vae", "seed": "9223372036854775809", "lr": "0.001", "epochs": "2", "model.filters": "[2,3]", "model.loss": `b"ce`, "model.of.deep": "true",
		"data.digest": "01", "checkpoints.keep": "3",
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	for _, name := range []string{"model", "data", "steps", "model.none", "optimizer"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is %q, want no such field", name, v)
		}
	}
	other := c
	other.Seed++
	if maps.Equal(got, other.Fields()) {
		t.Error("another seed has the same fields")
	}
}
