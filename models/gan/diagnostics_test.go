package gan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// flag returns the flag of a field of the configurations in these tests.
func flag(field string) string {
	return "--" + map[string]string{"LR": "lr", "R1": "r1", "GP": "gp", "Beta1": "beta1", "DNorm": "d-norm", "DRate": "d-rate", "DSteps": "d-steps", "Loss": "loss", "Augment": "augment"}[field]
}

// intervalOf returns an interval: losses, accuracy, gradients, diversity of the images.
func intervalOf(step int, d, acc, g, dNorm, gNorm, spread, nearest float64) model.Record {
	return model.Record{Step: int64(step),
		Train:     map[string]float64{"d_loss": d, "d_accuracy": acc, "g_loss": g, "d_grad_norm": dNorm, "g_grad_norm": gNorm},
		Diversity: model.Diversity{Images: 256, Spread: spread, Nearest: nearest}}
}

// Each row of the table on numbers of runs that showed it, and on numbers of healthy
// ones: those were measured.
func TestDiagnosis(t *testing.T) {
	healthy := []model.Record{ // dense-gan on MNIST, seed 2
		intervalOf(469, 0.0315, 0.991, 4.852, 0.253, 5.78, 0.026, 0.004), intervalOf(500, 0.0299, 0.992, 4.857, 0.241, 5.7, 0.053, 0.007),
		intervalOf(938, 0.0675, 0.989, 5.747, 0.553, 6.28, 0.244, 0.090), intervalOf(1000, 0.0694, 0.988, 5.575, 0.706, 6.55, 0.251, 0.122),
		intervalOf(1500, 0.1147, 0.966, 4.131, 4.05, 9.8, 0.251, 0.115), intervalOf(2000, 0.1448, 0.948, 4.544, 5.33, 12.2, 0.330, 0.130),
		intervalOf(2500, 0.1396, 0.950, 4.814, 5.35, 13, 0.591, 0.203), intervalOf(4000, 0.1522, 0.943, 5.221, 5.92, 11.5, 0.634, 0.359),
	}
	slow := []model.Record{ // the same, seed 3, by shorter intervals
		intervalOf(100, 0.1030, 0.950, 4.465, 0.993, 7.85, 0.285, 0.322), intervalOf(300, 0.0470, 1, 3.230, 0.183, 4.61, 0.002, 0.001), intervalOf(500, 0.0059, 1, 4.869, 0.0626, 4.56, 0.090, 0.019),
		intervalOf(600, 0.0045, 1, 5.578, 0.104, 5.41, 0.144, 0.050), intervalOf(700, 0.0045, 1, 6.087, 0.121, 6.13, 0.159, 0.038), intervalOf(800, 0.0074, 1, 5.556, 0.242, 6.4, 0.186, 0.087),
		intervalOf(1000, 0.0466, 0.993, 4.410, 2.3, 8.35, 0.259, 0.155), intervalOf(1200, 0.1197, 0.966, 4.367, 5.49, 9.59, 0.241, 0.162), intervalOf(1500, 0.0447, 0.990, 5.375, 2.9, 10.2, 0.254, 0.146),
	}
	dcgan := []model.Record{intervalOf(50, 0.3286, 0.893, 1.240, 6.85, 9.53, 0.172, 0.239), intervalOf(150, 0.1228, 0.995, 2.267, 14.6, 10.1, 0.308, 0.299), intervalOf(250, 0.0978, 1, 2.559, 15.6, 8.89, 0.496, 0.530)}
	fast := []model.Record{ // dense-gan --lr 0.02
		intervalOf(250, 0.5997, 0.966, 12.709, 2, 1.74, 0.164, 0.034), intervalOf(500, 0.0087, 0.997, 15.692, 0.215, 1.57, 0.176, 0.035),
		intervalOf(750, 0.0002, 1, 10.946, 0.0107, 0.324, 0.012, 0.005), intervalOf(1000, 0.00005, 1, 11.488, 0.00111, 0.0456, 0.034, 0.004), intervalOf(1250, 0.00004, 1, 11.874, 0.000724, 0.0806, 0.003, 0.001),
		intervalOf(1500, 0.00004, 1, 11.797, 0.000722, 0.142, 0.052, 0.005), intervalOf(2000, 0.00004, 1, 11.797, 0.000722, 0.142, 0.052, 0.005),
	}
	faces := []model.Record{ // dcgan --d-rate 0.5 on faces, which end with speckled outlines
		intervalOf(1000, 0.2427, 0.917, 4.296, 33.1, 30.5, 0.765, 0.601), intervalOf(4000, 0.1447, 0.962, 3.636, 60.2, 32.2, 1.038, 0.812), intervalOf(5000, 0.0928, 0.981, 3.884, 56.8, 44.7, 1.027, 0.837),
		intervalOf(6000, 0.066, 0.99, 3.995, 43.5, 55.1, 1.027, 0.852), intervalOf(7000, 0.0362, 0.999, 4.253, 32, 66.8, 1.025, 0.868),
	}
	guessing := []model.Record{ // dense-gan --d-rate 0.001
		intervalOf(250, 5.1359, 0.458, 0.005, 11.4, 0.016, 0.454, 0.582), intervalOf(500, 5.2342, 0.498, 0, 10.5, 0.000234, 0.450, 0.579), intervalOf(750, 5.2034, 0.5, 0, 10.2, 0.000197, 0.446, 0.574),
	}
	late := append(healthy[:7:7], intervalOf(3000, 0.1, 0.994, 66, 0.8, 4.7, 0.268, 0.072), intervalOf(3800, 0.1, 0.95, 8, 0.8, 4.7, 0.192, 0.037), intervalOf(4200, 0.1, 0.95, 8, 0.8, 4.7, 0.21, 0.04))
	for _, tt := range []struct {
		what      string
		model     string // JSON, in place of dense-gan's
		intervals []model.Record
		want      []string // name, or name: part of the text
	}{
		{"healthy", "", healthy, nil},
		{"slow to begin with", "", slow, nil},
		{"a healthy dcgan", "", dcgan, nil},
		{"too fast", "", fast, []string{"mode-collapse: of 256 images of different noise two differ by 5.2 % of what two training images do, and an image from its nearest neighbour by 0.5 %: try less --lr (0.001 now), or more --r1 (0 now), or less --beta1 (0.9 now)", "d-won: its accuracy is 100.0 %, at a loss of 5e-05"}},
		{"too fast, other options", `{"loss": "minimax", "d_norm": "none", "r1": 1, "d_rate": 1, "augment": "none", "beta1": 0.5}`, fast, []string{"mode-collapse: try less --lr (0.001 now), or --d-norm spectral (none now)",
			"d-won: --loss non-saturating, which has a gradient where the discriminator wins (minimax now), or less --lr (0.001 now), or --d-norm spectral (none now), or less --d-rate (1 now), or --augment color,translation,cutout (none now)"}},
		{"hopeless", "", []model.Record{intervalOf(350, 2.4, 0.55, 5.19, 11, 2.07, 0.43, 0.36), intervalOf(700, 2.86, 0.955, 22.9, 4.44, 2.71, 0.53, 0.48), intervalOf(1050, 2.4, 0.978, 37.1, 2.99, 4.04, 0.36, 0.31)}, []string{"d-won: the generator does not learn, at a loss of 37.1 with a gradient of 4"}},
		{"ahead", `{"loss": "non-saturating", "d_norm": "batch", "r1": 0, "d_rate": 0.5, "beta1": 0.5}`, faces, []string{"d-ahead: its accuracy has been 98 % or more, 99.9 % now, at a loss of 0.036: flaws by which it recognises generated images stay: try less --lr (0.001 now), or --d-norm none with --r1 1 (batch now), or less --d-rate (0.5 now)"}},
		{"not yet", "", faces[:4], nil},
		{"late", "", late, []string{"mode-collapse: differ by 21 % of what"}},
		{"alike, and not less so", "", []model.Record{intervalOf(1000, 0.1, 0.95, 4, 1, 4, 0.12, 0.1), intervalOf(1500, 0.1, 0.95, 4, 1, 4, 0.13, 0.1)}, []string{"mode-collapse: two differ by 13 %"}},
		{"alike, and less and less so", "", []model.Record{intervalOf(1000, 0.1, 0.95, 4, 1, 4, 0.1, 0.1), intervalOf(1500, 0.1, 0.95, 4, 1, 4, 0.14, 0.1)}, nil},
		{"too early", "", []model.Record{intervalOf(100, 0.0001, 1, 12, 0.01, 0.1, 0.01, 0.001), intervalOf(400, 0.0001, 1, 12, 0.01, 0.1, 0.01, 0.001)}, nil},
		{"guessing", `{"loss": "hinge", "gp": 10, "d_rate": 0.001, "d_steps": 1}`, guessing, []string{"d-lost: its accuracy is 50 %, as by guessing, at a loss of 5.23, and the generator, whose gradient is 0.00023, learns nothing from it: try more --d-rate (0.001 now), or more --d-steps (1 now), or less --gp (10 now)"}},
		{"codes that cannot be distinguished from N(0, I)", "", guessing, nil},
		{"balanced", "", []model.Record{intervalOf(250, 0.69, 0.52, 0.7, 1, 1.2, 0.9, 0.9), intervalOf(600, 0.69, 0.52, 0.7, 1, 1.2, 0.9, 0.9)}, nil},
		{"a critic's accuracy is none", `{"loss": "wasserstein"}`, []model.Record{intervalOf(250, -3, 0.5, 0.7, 1, 0.04, 0.9, 0.9), intervalOf(600, -3, 0.995, 0.7, 1, 0.04, 0.9, 0.9), intervalOf(900, -3, 0.995, 0.7, 1, 0.04, 0.9, 0.9)}, nil},
		{"vanishing", "", []model.Record{intervalOf(250, 0.3, 0.8, 2, 1, 5, 0.9, 0.9), intervalOf(600, 0.3, 0.8, 2, 1, 0.004, 0.9, 0.9), intervalOf(900, 0.3, 0.8, 2, 1, 0.003, 0.9, 0.9)}, []string{"vanishing: it is 0.003, and was 5"}},
		{"smaller", "", []model.Record{intervalOf(250, 0.3, 0.8, 2, 1, 5, 0.9, 0.9), intervalOf(600, 0.3, 0.8, 2, 1, 0.06, 0.9, 0.9), intervalOf(900, 0.3, 0.8, 2, 1, 0.05, 0.9, 0.9)}, nil},
		{"exploding", "", append(healthy[:7:7], intervalOf(4000, 0.15, 0.94, 5, 4e4, 11, 0.6, 0.3)), []string{"exploding: gradient of the discriminator explodes: it is 4e+04, and was 0.71"}},
		{"exploding, the generator's", "", append(healthy[:7:7], intervalOf(4000, 0.15, 0.94, 5, 4, 4e4, 0.6, 0.3)), []string{"exploding: gradient of the generator explodes"}},
		{"steep", "", append(healthy[:7:7], intervalOf(4000, 0.15, 0.94, 5, 60, 900, 0.6, 0.3)), nil},
		{"some images, each many times", "", append(healthy[:7:7], intervalOf(3800, 0.15, 0.94, 5, 4, 9, 0.6, 0.02), intervalOf(5200, 0.15, 0.94, 5, 4, 9, 0.6, 0.02), intervalOf(7000, 0.15, 0.94, 5, 4, 9, 0.6, 0.02)),
			[]string{"mode-collapse: differ by 60 % of what two training images do, and an image from its nearest neighbour by 2 %"}},
	} {
		c := DCGANConfig{Adversarial: DefaultAdversarial()}
		c.Beta1 = 0.9
		if tt.model != "" {
			c.Beta1 = 0.5
			if err := json.Unmarshal([]byte(tt.model), &c); err != nil {
				t.Fatal(err)
			}
		}
		d := c.Adversarial.diagnosis(c.DNorm)
		d.encodes = strings.HasPrefix(tt.what, "codes")
		// A warning is given once in a run.
		h := model.History{Items: 20, Training: model.Training{LearningRate: 1e-3, Epochs: 3}, Reported: map[string]bool{}, IntervalEnded: true}
		var found []model.Warning
		for _, r := range tt.intervals {
			h.Intervals = append(h.Intervals, r)
			for _, w := range d.rules().Diagnose(&h) {
				h.Reported[w.Name] = true
				found = append(found, w)
			}
		}
		var names []string
		for _, w := range found {
			names = append(names, w.Name)
		}
		for i, want := range tt.want {
			name, part, _ := strings.Cut(want, ": ")
			k := slices.Index(names, name)
			if k < 0 || i >= len(found) || !strings.Contains(found[k].Message(flag), part) || strings.Contains(found[k].Text, "NaN") {
				t.Errorf("%s: %+v, want %q", tt.what, found, want)
			}
		}
		if len(found) != len(tt.want) {
			t.Errorf("%s: %+v, want %q", tt.what, found, tt.want)
		}
	}
}
