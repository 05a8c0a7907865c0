package train

import (
	"bytes"
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// spanOf returns an interval of a contest: losses, accuracy, gradients, how various the
// images are.
func spanOf(step int, d, acc, g, dNorm, gNorm, spread, nearest float64) runlog.Line {
	return runlog.Line{Kind: runlog.IntervalLine, Step: int64(step),
		Train:     map[string]float64{"d_loss": d, "d_accuracy": acc, "g_loss": g, "d_grad_norm": dNorm, "g_grad_norm": gNorm},
		Generated: map[string]float64{Spread: spread, Nearest: nearest}}
}

// Each row of the table on numbers of runs that showed it, and on numbers of healthy
// ones: those were measured.
func TestContests(t *testing.T) {
	healthy := []runlog.Line{ // dense-gan on MNIST, seed 2
		spanOf(469, 0.0315, 0.991, 4.852, 0.253, 5.78, 0.026, 0.004), spanOf(500, 0.0299, 0.992, 4.857, 0.241, 5.7, 0.053, 0.007),
		spanOf(938, 0.0675, 0.989, 5.747, 0.553, 6.28, 0.244, 0.090), spanOf(1000, 0.0694, 0.988, 5.575, 0.706, 6.55, 0.251, 0.122),
		spanOf(1500, 0.1147, 0.966, 4.131, 4.05, 9.8, 0.251, 0.115), spanOf(2000, 0.1448, 0.948, 4.544, 5.33, 12.2, 0.330, 0.130),
		spanOf(2500, 0.1396, 0.950, 4.814, 5.35, 13, 0.591, 0.203), spanOf(4000, 0.1522, 0.943, 5.221, 5.92, 11.5, 0.634, 0.359),
	}
	slow := []runlog.Line{ // the same, seed 3, by shorter intervals
		spanOf(100, 0.1030, 0.950, 4.465, 0.993, 7.85, 0.285, 0.322), spanOf(300, 0.0470, 1, 3.230, 0.183, 4.61, 0.002, 0.001), spanOf(500, 0.0059, 1, 4.869, 0.0626, 4.56, 0.090, 0.019),
		spanOf(600, 0.0045, 1, 5.578, 0.104, 5.41, 0.144, 0.050), spanOf(700, 0.0045, 1, 6.087, 0.121, 6.13, 0.159, 0.038), spanOf(800, 0.0074, 1, 5.556, 0.242, 6.4, 0.186, 0.087),
		spanOf(1000, 0.0466, 0.993, 4.410, 2.3, 8.35, 0.259, 0.155), spanOf(1200, 0.1197, 0.966, 4.367, 5.49, 9.59, 0.241, 0.162), spanOf(1500, 0.0447, 0.990, 5.375, 2.9, 10.2, 0.254, 0.146),
	}
	dcgan := []runlog.Line{spanOf(50, 0.3286, 0.893, 1.240, 6.85, 9.53, 0.172, 0.239), spanOf(150, 0.1228, 0.995, 2.267, 14.6, 10.1, 0.308, 0.299), spanOf(250, 0.0978, 1, 2.559, 15.6, 8.89, 0.496, 0.530)}
	fast := []runlog.Line{ // dense-gan --lr 0.02
		spanOf(250, 0.5997, 0.966, 12.709, 2, 1.74, 0.164, 0.034), spanOf(500, 0.0087, 0.997, 15.692, 0.215, 1.57, 0.176, 0.035),
		spanOf(750, 0.0002, 1, 10.946, 0.0107, 0.324, 0.012, 0.005), spanOf(1000, 0.00005, 1, 11.488, 0.00111, 0.0456, 0.034, 0.004), spanOf(1250, 0.00004, 1, 11.874, 0.000724, 0.0806, 0.003, 0.001),
		spanOf(1500, 0.00004, 1, 11.797, 0.000722, 0.142, 0.052, 0.005), spanOf(2000, 0.00004, 1, 11.797, 0.000722, 0.142, 0.052, 0.005),
	}
	faces := []runlog.Line{ // dcgan --d-rate 0.5 on faces, which end with speckled outlines
		spanOf(1000, 0.2427, 0.917, 4.296, 33.1, 30.5, 0.765, 0.601), spanOf(4000, 0.1447, 0.962, 3.636, 60.2, 32.2, 1.038, 0.812), spanOf(5000, 0.0928, 0.981, 3.884, 56.8, 44.7, 1.027, 0.837),
		spanOf(6000, 0.066, 0.99, 3.995, 43.5, 55.1, 1.027, 0.852), spanOf(7000, 0.0362, 0.999, 4.253, 32, 66.8, 1.025, 0.868),
	}
	fooled := []runlog.Line{ // dense-gan --d-rate 0.001
		spanOf(250, 5.1359, 0.458, 0.005, 11.4, 0.016, 0.454, 0.582), spanOf(500, 5.2342, 0.498, 0, 10.5, 0.000234, 0.450, 0.579), spanOf(750, 5.2034, 0.5, 0, 10.2, 0.000197, 0.446, 0.574),
	}
	late := append(healthy[:7:7], spanOf(3000, 0.1, 0.994, 66, 0.8, 4.7, 0.268, 0.072), spanOf(3800, 0.1, 0.95, 8, 0.8, 4.7, 0.192, 0.037), spanOf(4200, 0.1, 0.95, 8, 0.8, 4.7, 0.21, 0.04))
	for _, tt := range []struct {
		what  string
		model string // JSON, in place of dense-gan's
		spans []runlog.Line
		want  []string // name, or name: part of the text
	}{
		{"healthy", "", healthy, nil},
		{"slow to begin with", "", slow, nil},
		{"a healthy dcgan", "", dcgan, nil},
		{"too fast", "", fast, []string{"mode-collapse: of 256 images of different noise two differ by 5.2 % of what two training images do, and each from the one most like it by 0.5 %: try less --lr (0.001 now), or more --r1 (0 now), or less --beta1 (0.9 now)", "d-won: it tells 100.0 % of the images apart, at a loss of 5e-05"}},
		{"too fast, other options", `{"loss": "minimax", "d_norm": "none", "r1": 1, "d_rate": 1, "augment": "none", "beta1": 0.5}`, fast, []string{"mode-collapse: try less --lr (0.001 now), or --d-norm spectral (none now)",
			"d-won: --loss non-saturating, which has a slope where the generator loses (minimax now), or less --lr (0.001 now), or --d-norm spectral (none now), or less --d-rate (1 now), or --augment color,translation,cutout (none now)"}},
		{"hopeless", "", []runlog.Line{spanOf(350, 2.4, 0.55, 5.19, 11, 2.07, 0.43, 0.36), spanOf(700, 2.86, 0.955, 22.9, 4.44, 2.71, 0.53, 0.48), spanOf(1050, 2.4, 0.978, 37.1, 2.99, 4.04, 0.36, 0.31)}, []string{"d-won: generator, at a loss of 37.1 with a gradient of 4, finds"}},
		{"ahead", `{"loss": "non-saturating", "d_norm": "batch", "r1": 0, "d_rate": 0.5, "beta1": 0.5}`, faces, []string{"d-ahead: 98 % of the images apart or more, 99.9 % now, at a loss of 0.036: flaws that it finds in them stay: try less --lr (0.001 now), or --d-norm none with --r1 1 (batch now), or less --d-rate (0.5 now)"}},
		{"not yet", "", faces[:4], nil},
		{"late", "", late, []string{"mode-collapse: differ by 21 % of what"}},
		{"alike, and no less so", "", []runlog.Line{spanOf(1000, 0.1, 0.95, 4, 1, 4, 0.12, 0.1), spanOf(1500, 0.1, 0.95, 4, 1, 4, 0.13, 0.1)}, []string{"mode-collapse: two differ by 13 %"}},
		{"alike, and less and less so", "", []runlog.Line{spanOf(1000, 0.1, 0.95, 4, 1, 4, 0.1, 0.1), spanOf(1500, 0.1, 0.95, 4, 1, 4, 0.14, 0.1)}, nil},
		{"too early", "", []runlog.Line{spanOf(100, 0.0001, 1, 12, 0.01, 0.1, 0.01, 0.001), spanOf(400, 0.0001, 1, 12, 0.01, 0.1, 0.01, 0.001)}, nil},
		{"fooled", `{"loss": "hinge", "gp": 10, "d_rate": 0.001, "d_steps": 1}`, fooled, []string{"d-lost: it tells 50 % of the images apart, as many as by guessing, at a loss of 5.23, and teaches the generator nothing, whose gradient is 0.00023: try more --d-rate (0.001 now), or more --d-steps (1 now), or less --gp (10 now)"}},
		{"codes that cannot be told from N(0, I)", "", fooled, nil},
		{"an even contest", "", []runlog.Line{spanOf(250, 0.69, 0.52, 0.7, 1, 1.2, 0.9, 0.9), spanOf(600, 0.69, 0.52, 0.7, 1, 1.2, 0.9, 0.9)}, nil},
		{"a critic's accuracy is none", `{"loss": "wasserstein"}`, []runlog.Line{spanOf(250, -3, 0.5, 0.7, 1, 0.04, 0.9, 0.9), spanOf(600, -3, 0.995, 0.7, 1, 0.04, 0.9, 0.9), spanOf(900, -3, 0.995, 0.7, 1, 0.04, 0.9, 0.9)}, nil},
		{"vanishing", "", []runlog.Line{spanOf(250, 0.3, 0.8, 2, 1, 5, 0.9, 0.9), spanOf(600, 0.3, 0.8, 2, 1, 0.004, 0.9, 0.9), spanOf(900, 0.3, 0.8, 2, 1, 0.003, 0.9, 0.9)}, []string{"vanishing: it is 0.003, and was 5"}},
		{"smaller", "", []runlog.Line{spanOf(250, 0.3, 0.8, 2, 1, 5, 0.9, 0.9), spanOf(600, 0.3, 0.8, 2, 1, 0.06, 0.9, 0.9), spanOf(900, 0.3, 0.8, 2, 1, 0.05, 0.9, 0.9)}, nil},
		{"exploding", "", append(healthy[:7:7], spanOf(4000, 0.15, 0.94, 5, 4e4, 11, 0.6, 0.3)), []string{"exploding: gradient of the discriminator explodes: it is 4e+04, and was 0.71"}},
		{"exploding, the generator's", "", append(healthy[:7:7], spanOf(4000, 0.15, 0.94, 5, 4, 4e4, 0.6, 0.3)), []string{"exploding: gradient of the generator explodes"}},
		{"steep", "", append(healthy[:7:7], spanOf(4000, 0.15, 0.94, 5, 60, 900, 0.6, 0.3)), nil},
		{"some images, each many times", "", append(healthy[:7:7], spanOf(3800, 0.15, 0.94, 5, 4, 9, 0.6, 0.02), spanOf(5200, 0.15, 0.94, 5, 4, 9, 0.6, 0.02), spanOf(7000, 0.15, 0.94, 5, 4, 9, 0.6, 0.02)),
			[]string{"mode-collapse: differ by 60 % of what two training images do, and each from the one most like it by 2 %"}},
	} {
		run := config("dense-gan", must(small(20, 10)))
		run.Model = []byte(`{"loss": "non-saturating", "gp": 0, "r1": 0, "d_steps": 1, "beta1": 0.9}`)
		if tt.model != "" {
			run.Model = []byte(tt.model)
		}
		// What is told at some time of the run is told once.
		var found []runlog.Warning
		lines := slices.Clone(tt.spans)
		for i := range lines {
			found = append(found, func() []runlog.Warning {
				c := courseOf(&run, &model.Model{}, lines[:i+1], 2)
				c.encodes = strings.HasPrefix(tt.what, "codes")
				lines[i].Warnings = c.diagnose(contests)
				return lines[i].Warnings
			}()...)
		}
		var names []string
		for _, w := range found {
			names = append(names, w.Name)
		}
		for i, want := range tt.want {
			name, part, _ := strings.Cut(want, ": ")
			k := slices.Index(names, name)
			if k < 0 || i >= len(found) || !strings.Contains(found[k].Text, part) || strings.Contains(found[k].Text, "NaN") {
				t.Errorf("%s: %+v, want %q", tt.what, found, want)
			}
		}
		if len(found) != len(tt.want) {
			t.Errorf("%s: %+v, want %q", tt.what, found, tt.want)
		}
	}
}

func TestVariety(t *testing.T) {
	spread, nearest := variety([]float32{0, 0, 1, 1, 0, 1, 0, 1}, 4) // two are the same
	root := 0.7071067811865476                                       // one value of two differs
	if want := (1 + 4*root) / 6; !(math.Abs(spread-want) < 1e-7) || !(math.Abs(nearest-(2*root+0)/4) < 1e-7) {
		t.Errorf("%v, want %v; nearest %v, want %v", spread, want, nearest, 2*root/4)
	}
}

// A dense GAN with a rate that is far too high collapses, and the run says so while it
// trains, with its report; with the advice followed, a lower rate, it does not. Such
// runs are chaotic: at these rates it was so of each of five seeds.
func TestModeCollapseIsTold(t *testing.T) {
	set := must(small(1280, 40))
	told := func(lr float64) (names []string, out, page string) {
		c := config("dense-gan", set, "hidden", "64", "latent", "20")
		c.Epochs, c.Steps, c.Batch, c.LR, c.Pictures, c.LogSteps = 0, 2100, 32, lr, 0, 525
		r := newRun(t, c)
		var b bytes.Buffer
		res, err := Loop(context.Background(), newJob(t, r, set, 1, &b))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range must(runlog.ReadLog(r.Dir)) {
			for _, w := range l.Warnings {
				names = append(names, w.Name)
				if strings.Count(b.String(), "warning    "+w.Text) != 1 {
					t.Errorf("%q is not told once in\n%s", w.Text, b.String())
				}
			}
			if l.Kind == runlog.IntervalLine {
				t.Log(lr, l.Kind, l.Step, l.Train, l.Generated)
			}
		}
		return names, b.String(), string(must(os.ReadFile(res.Report)))
	}
	names, out, page := told(0.03)
	if !slices.Contains(names, "mode-collapse") || !strings.Contains(out, "mode collapse: ") || !strings.Contains(out, "less --lr (0.03 now)") || !strings.Contains(page, "mode collapse: ") {
		t.Errorf("a rate of 0.03: told %v of\n%s", names, out)
	}
	if names, out, page = told(0.01); len(names) > 0 || strings.Contains(page, "mode collapse") {
		t.Errorf("a rate of 0.01: told %v of\n%s", names, out)
	}
}
