package feature_test

import (
	"os"
	"testing"
	"time"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/realdata"
)

// TestSpokenDigits trains the net of the Free Spoken Digit Dataset, and counts the clips of its
// official test part that the net gives their digit: as they are, and after each became a
// recording and a spectrogram again. It logs the time of the training and of 100 recordings. It
// trains for a minute, so it is run by hand, with IMAGO_SPOKEN=1.
func TestSpokenDigits(t *testing.T) {
	if os.Getenv("IMAGO_SPOKEN") == "" {
		t.Skip("IMAGO_SPOKEN is not set: it trains for a minute, and measures times")
	}
	ctx := t.Context()
	set, err := sound.FSDD().Load(ctx, data.Options{DataDir: realdata.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(0)
	defer be.Close()
	start := time.Now()
	net, err := feature.Open(ctx, set, be, feature.Options{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s trained on %d clips for %d steps in %.0f s", net.Name, net.Train, net.Steps, time.Since(start).Seconds())

	item := set.Test.Items.Item()
	n, size := set.Test.Items.Len(), item.Size()
	index := make([]int32, n)
	for i := range index {
		index[i] = int32(i)
	}
	values := make([]float32, n*size)
	if err := data.Floats(ctx, set.Test.Items, index, values); err != nil {
		t.Fatal(err)
	}
	m := item.Medium.(sound.Medium)
	start = time.Now()
	if _, err := m.Join(item, values[:100*size]); err != nil {
		t.Fatal(err)
	}
	t.Logf("100 spectrograms became recordings in %.2f s", time.Since(start).Seconds())

	back, err := data.FromFloats(heardAgain(t, m, item, values), item)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		clips data.Items
		least float64
	}{{"test clips", set.Test.Items, 0.97}, {"test clips after a recording of each", back, 0.95}} {
		_, p, err := net.Describe(ctx, c.clips)
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for i, k := range probe.Argmax(p, len(set.Classes)) {
			if k == set.Test.Labels[i] {
				right++
			}
		}
		share := float64(right) / float64(n)
		t.Logf("%d of %d %s: %.1f %%", right, n, c.what, 100*share)
		if !(share >= c.least) {
			t.Errorf("the net gives %.1f %% of the %s their digit, want %.0f %%", 100*share, c.what, 100*c.least)
		}
	}
}

// heardAgain returns the spectrograms of the recordings that were made of spectrograms.
func heardAgain(t *testing.T, m sound.Medium, item medium.Item, values []float32) []float32 {
	size := item.Size()
	out := make([]float32, 0, len(values))
	for at := 0; at < len(values); at += size {
		file, err := m.Encode(item, values[at:at+size])
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.Decode(item, file)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, again...)
	}
	return out
}
