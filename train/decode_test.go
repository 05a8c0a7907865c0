package train_test

import (
	"context"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
)

// BenchmarkDecode measures one code of cnn-vae, decoded by an opened run and, as imago bench does
// it, by the compiled program alone. The first time is that of the second and a few microseconds.
func BenchmarkDecode(b *testing.B) {
	set := runtest.Must(runtest.Small(130, 40))
	r := runtest.NewRun(b, runtest.Config("cnn-vae", set))
	trained(b, r, set, 2)
	be := cpu.New(0)
	b.Cleanup(func() { be.Close() })
	m := runtest.Must(train.OpenModel(r.Dir, runtest.Registry(), be))
	ctx, z := context.Background(), make([]float32, m.Latent())
	b.Run("trained", func(b *testing.B) {
		for b.Loop() {
			runtest.Must(m.Decode(ctx, z))
		}
	})
	b.Run("program", func(b *testing.B) {
		c := runtest.Must(m.Func(m.Model().Decode).Program(1)).NewCall()
		if err := c.Put(model.InputZ, z); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := c.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
