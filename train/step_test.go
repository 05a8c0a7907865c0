package train

import (
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
)

// A step allocates nothing; what TestFeed says of its batch.
func TestStepAllocations(t *testing.T) {
	set := runtest.Must(runtest.Small(128, 10))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "16"))
	be := cpu.New(2)
	defer be.Close()
	tr, err := newTrainer(Job{Run: r, Model: runtest.Must(r.Config.Build(runtest.Registry())), Data: set, Backend: be})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	f, err := newFeed(feedConfig{images: set.Train.Items, batchSize: 64, epochs: 1, newCall: tr.step.newCall})
	if err != nil {
		t.Fatal(err)
	}
	defer f.stop()
	b, metrics := f.next(), make([]float64, len(tr.step.names))
	n := testing.AllocsPerRun(20, func() {
		if bad, err := tr.step.run(b, 3, set.Train.Len(), metrics); bad != nil || err != nil {
			t.Fatal(bad, err)
		}
		tr.sums.Epoch.add(b.n, metrics)
	})
	if n != 0 {
		t.Errorf("%v allocations a step, want none", n)
	}
}
