package gallery

import (
	"fmt"
	"testing"

	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train/runlog"
)

// The curves of a GAN are of both networks and of what is made; of a run by intervals
// they are over its steps.
func TestCurvesOfAGAN(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	for _, tt := range []struct {
		steps, every int
		x            string // of the discriminator's loss, in training and on test images
	}{
		{0, 0, "[1 2 3] [1 2 3]"},
		{8, 0, "[1 2 2.8533333333333335] [1 2 2.8533333333333335]"},
		{8, 3, "[3 6 8] [3 6 8]"},
	} {
		c := runtest.Stepping("dense-gan", tt.steps)
		if tt.steps == 0 {
			c.Epochs = 3
		}
		c.LogSteps, c.Model = tt.every, []byte(`{"latent": 8, "hidden": 16, "r1": 1}`)
		r := runtest.NewRun(t, c)
		trained(t, r, set, 1)
		want := []string{"discriminator loss", "discriminator accuracy", "generator loss", "gradient of the discriminator", "gradient of the generator", "input gradient of the discriminator", "gradient penalty", "distance of generated images"}
		ps := curvePanels(&c, set.Item(), nil, &runlog.Thin{Lines: runtest.Must(runlog.ReadLog(r.Dir))})
		for i, p := range ps {
			if len(ps) != len(want) || p.Title != want[i] || p.XLabel != map[bool]string{true: "step", false: "epoch"}[tt.every > 0] {
				t.Errorf("panel %d is %q over %q, want %q", i, p.Title, p.XLabel, want)
			}
		}
		if got := fmt.Sprint(ps[0].Series[0].X, ps[0].Series[1].X); got != tt.x || len(ps[7].Series) != 2 {
			t.Errorf("%d steps: %s, want %s", tt.steps, got, tt.x)
		}
	}
}

func TestThinned(t *testing.T) {
	var names []string
	for i := range 1001 {
		names = append(names, fmt.Sprint(i))
	}
	got := thinned(names, 5)
	if fmt.Sprint(got) != "[0 250 500 750 1000]" || len(thinned(names[:3], 5)) != 3 {
		t.Errorf("%v", got)
	}
}
