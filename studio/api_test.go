package studio

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestAPI asks the API of imago serve for the models of a studio: those that imago brings along, and a run.
func TestAPI(t *testing.T) {
	folder := t.TempDir()
	trained(t, folder, "run", "mlp-vae", 1)
	c := openPage(t, folder)
	var run, again []byte
	for _, path := range []string{"/v1/models/run/sample?seed=7", "/v1/models/run/sample?seed=7"} {
		run, again = c.want(200, "GET", path, nil), run
	}
	if len(run) == 0 || !slices.Equal(run, again) {
		t.Errorf("the same seed gives %d and %d bytes", len(run), len(again))
	}
	var models struct {
		Models []struct{ Name string } `json:"models"`
	}
	if err := json.Unmarshal(c.want(200, "GET", "/v1/models", nil), &models); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range models.Models {
		names = append(names, m.Name)
	}
	if !slices.Contains(names, "run") || !slices.Contains(names, "zoo-cnn-vae") {
		t.Errorf("the models are %v", names)
	}
	c.want(200, "POST", "/v1/models/zoo-cnn-vae/decode", map[string]any{"codes": [][]float64{{0, 1}}})
	c.want(404, "GET", "/v1/models/nothing/sample", nil)
	c.want(404, "GET", "/v1/models/..%2fx/sample", nil)
	c.want(200, "GET", "/v2/models/zoo-cnn-vae", nil)
	c.want(200, "GET", "/openapi.json", nil)
}
