package gan_test

import (
	"testing"

	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/model/modeltest"
)

// TestTrainingEqualsPyTorch compares training with testdata/oracles.py, which is written from the papers with
// PyTorch: all metrics of ten steps, and the parameters after them.
func TestTrainingEqualsPyTorch(t *testing.T) {
	for name, c := range map[string]model.Config{
		"dense-gan": &gan.DenseConfig{},
		"dcgan":     &gan.DCGANConfig{},
		"wgan-gp":   &gan.DCGANConfig{},
	} {
		t.Run(name, func(t *testing.T) { modeltest.CompareTraining(t, c, "testdata/"+name+".json") })
	}
}
