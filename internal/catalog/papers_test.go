package catalog

import (
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// TestPapers checks that each recipe has its paper, but for the autoencoders, and that no other name has one.
func TestPapers(t *testing.T) {
	var models model.Registry
	Models(&models)
	for _, r := range models.Recipes() {
		if has, plain := Paper(r.Name) != "", r.Name == "mlp-ae" || r.Name == "cnn-ae"; has == plain {
			t.Errorf("%s: paper %q", r.Name, Paper(r.Name))
		}
	}
	for name := range papers {
		if _, err := models.Recipe(name); err != nil {
			t.Error(err)
		}
	}
}
