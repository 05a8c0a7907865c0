package gallery

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// words are the names of metrics in words. A metric without one is shown by its name.
var words = map[string]string{
	model.Loss:              "loss",
	model.Reconstruction:    "reconstruction error",
	model.KL:                "KL divergence",
	model.TotalCorrelation:  "total correlation",
	model.MutualInformation: "mutual information",
	model.DLoss:             "discriminator loss",
	model.DAccuracy:         "discriminator accuracy",
	model.GLoss:             "generator loss",
	"active_units":          "latent units in use",
	"mean_sigma":            "mean σ of a code",
	"kl_per_unit":           "KL of a latent unit",
	"mse":                   "squared error",
	"psnr":                  "PSNR",
	"ssim":                  "SSIM",
	"fid":                   "FID",
	"kid":                   "KID",
}

// parts are the parts of the data that are not trained on, by the beginnings of the names
// of their metrics.
var parts = []struct {
	prefix, of string
	color      color.Color // of its curves
}{{"test_", "test", viz.ClassColor(1)}, {"validation_", "validation", viz.ClassColor(2)}}

// inWords returns the name of a metric in words: loss on test images.
func inWords(it medium.Item, metric string) string {
	name, of := metric, ""
	for _, p := range parts {
		if rest, found := strings.CutPrefix(metric, p.prefix); found {
			name, of = rest, " on "+p.of+" "+medium.Noun(it)+"s"
		}
	}
	if w := words[name]; w != "" {
		return w + of
	}
	short, _, _ := strings.Cut(name, "_")
	if w := words[short]; w != "" {
		return w + of
	}
	return short + of
}

// unitInWords returns a unit of a metric: nats per image.
func unitInWords(it medium.Item, unit string) string {
	return medium.Reword(it, strings.ReplaceAll(unit, "/", " per "))
}

// validationMetrics are of the validation part.
var validationMetrics = []eval.Metric{{Name: "validation_loss", Unit: "nats/image", About: "the loss of the validation images, by which the best checkpoint is chosen"}}

// figures returns the metrics of the last epoch and the size of the run, in words, and
// what these words mean.
func figures(c *runlog.Config, it medium.Item, epochs []runlog.Line, metrics []eval.Metric, params int, seconds float64) (f, terms []viz.KV) {
	add := func(key, value, note, name, meaning string) {
		f = append(f, viz.KV{Key: key, Value: value, Note: note})
		terms = append(terms, viz.KV{Key: key, Value: meaning, Note: name})
	}
	if len(epochs) > 0 {
		last := epochs[len(epochs)-1]
		seen := map[string]bool{}
		for _, m := range metrics {
			v, ok := last.Metric(m.Name)
			if !ok || seen[m.Name] {
				continue
			}
			seen[m.Name] = true
			add(inWords(it, m.Name), figure(v, m.Unit), unitInWords(it, m.Unit), m.Name, sentence(medium.Reword(it, m.About))+better(m))
		}
		add(counted("epoch", last.Epoch), english.Thousands(float64(last.Epoch)), outOf(last.Epoch, c.TotalEpochs()), "", "Times that each training "+medium.Noun(it)+" was used.")
		add(counted("step", int(last.Step)), english.Thousands(float64(last.Step)), "", "", fmt.Sprintf("Updates of the weights, each by a batch of %s.", english.Plural(c.Batch, medium.Noun(it))))
	}
	if seconds > 0 {
		f = append(f, viz.KV{Key: "time", Value: duration(seconds)})
	}
	add("parameters", english.Thousands(float64(params)), "", "", "Numbers in the networks that training sets: weights and biases.")
	return f, terms
}

// better says which values of a metric are good.
func better(m eval.Metric) string {
	switch f, found := eval.Find(m.Name); {
	case !found || f.Describes:
		return ""
	case f.Up:
		return " Larger is better."
	}
	return " Smaller is better."
}

// figure returns a value of a metric: a count as a whole number.
func figure(v float64, unit string) string {
	switch {
	case unit == "units" || unit == "modes":
		return english.Thousands(v)
	case math.Abs(v) < 0.1: // such as a σ that has gone to 0
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// counted returns the name of things of which there are n.
func counted(one string, n int) string {
	_, name, _ := strings.Cut(english.Plural(n, one), " ")
	return name
}

// outOf returns "of n" for a run that has not come to its end.
func outOf(done, n int) string {
	if done >= n {
		return ""
	}
	return "of " + english.Thousands(float64(n))
}

// sentence returns text as a sentence: with a capital, and a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// duration returns seconds in words: 41 s, 3 min 20 s, 2 h 5 min.
func duration(seconds float64) string {
	s := int(math.Round(seconds))
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.1f s", seconds)
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return strings.TrimSuffix(fmt.Sprintf("%d min %d s", s/60, s%60), " 0 s")
	case s < 48*3600:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", s/3600, s%3600/60), " 0 min")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d days %d h", s/86400, s%86400/3600), " 0 h")
}
