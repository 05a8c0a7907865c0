package train_test

import (
	"context"
	"math"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/mnist"
	"github.com/imago-ml/imago/internal/realdata"
	"github.com/imago-ml/imago/internal/runtest"
)

// On real MNIST an epoch of the published dense VAE ends where PyTorch's does: at
// 175.2 and 175.9 nats for two seeds, 170.5 + 5.0 for the first (PyTorch 1.13, the
// same initialisation, Adam and batches); seeds scatter by less than 5 %.
func TestMNIST(t *testing.T) {
	dir := realdata.Dir(t)
	var sets data.Registry
	for _, s := range mnist.Sources() {
		sets.Register(s)
	}
	set, err := sets.Open(context.Background(), "mnist", data.Options{DataDir: dir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	c := runtest.Config("mlp-vae", set)
	c.Epochs, c.Batch = 1, 128
	res := trained(t, runtest.NewRun(t, c), set, 0)
	t.Logf("%+v", res.Last)
	for name, want := range map[string]float64{"test_loss": 175.5, "test_reconstruction": 170.5} {
		if got := res.Last.Test[name]; !(math.Abs(got-want) <= 0.05*want) {
			t.Errorf("%s = %.2f after an epoch, want %.1f ± 5 %%", name, got, want)
		}
	}
	if kl := res.Last.Test["test_kl"]; !(kl > 3.5 && kl < 6.5) {
		t.Errorf("test_kl = %.2f after an epoch, want about 5", kl)
	}
}
