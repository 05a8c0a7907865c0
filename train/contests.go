package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// contests is the table of what is noticed of an adversarial model, at the end of an
// epoch or an interval, each once in a run. The bounds are set by dense-gan and dcgan
// on MNIST: in their first thousand steps healthy runs make images that are all alike,
// at steps 500, 1000 and 2500 of a spread of 0.05, 0.25 and 0.6, tell 99 % apart at a
// loss of 0.03 or more, and have gradients of 0.2 to 25.
var contests = []symptom{
	{"mode-collapse", (*course).modesCollapsed, func(c *course) string {
		return fmt.Sprintf("mode collapse: the generator makes the same again and again: of %d images of different noise two differ by %.2g %% of what two training images do, and each from the one most like it by %.2g %%%s",
			watched, 100*c.made(Spread), 100*c.made(Nearest), c.ways(c.steadier()...))
	}},
	{"d-won", (*course).won, func(c *course) string {
		ways := append(c.sloped(), append(c.steadier(), "less --d-rate")...)
		if c.option("augment") == "none" && c.images < fewImages {
			ways = append(ways, "--augment color,translation,cutout")
		}
		return fmt.Sprintf("the discriminator has won: it tells %.1f %% of the images apart, at a loss of %.2g, and the generator, at a loss of %.3g with a gradient of %.2g, finds no way to fool it%s",
			100*c.mean(model.DAccuracy), c.mean(model.DLoss), c.mean(model.GLoss), c.mean(model.GGradNorm), c.ways(ways...))
	}},
	{"d-ahead", (*course).ahead, func(c *course) string {
		return fmt.Sprintf("the discriminator is far ahead: for a quarter of the steps it has told %.0f %% of the images apart or more, %.1f %% now, at a loss of %.2g: flaws that it finds in them stay%s",
			100*farAhead, 100*c.mean(model.DAccuracy), c.mean(model.DLoss), c.ways(append(c.steadier(), "less --d-rate")...))
	}},
	{"d-lost", (*course).gaveUp, func(c *course) string {
		ways := []string{"more --d-rate", "more --d-steps"}
		for _, penalty := range []string{"gp", "r1"} {
			if c.number(penalty, 0) > 0 {
				ways = append(ways, "less --"+penalty)
			}
		}
		return fmt.Sprintf("the discriminator has given up: it tells %.0f %% of the images apart, as many as by guessing, at a loss of %.3g, and teaches the generator nothing, whose gradient is %.2g%s",
			100*c.mean(model.DAccuracy), c.mean(model.DLoss), c.mean(model.GGradNorm), c.ways(ways...))
	}},
	{"vanishing", (*course).vanishing, func(c *course) string {
		return fmt.Sprintf("the gradient of the generator vanishes: it is %.2g, and was %.2g: the images change no more%s",
			c.mean(model.GGradNorm), c.largest(model.GGradNorm), c.ways(append(c.sloped(), c.steadier()...)...))
	}},
	{"exploding", func(c *course) bool { return c.explodes() != "" }, func(c *course) string {
		name, of := c.explodes(), "discriminator"
		if name == model.GGradNorm {
			of = "generator"
		}
		return fmt.Sprintf("the gradient of the %s explodes: it is %.2g, and was %.2g: what is learnt is thrown away again%s", of, c.mean(name), c.median(name), c.ways(c.steadier()...))
	}},
}

const (
	earliest  = 500    // steps before which a contest is open
	certain   = 5e-4   // loss of a discriminator that never errs
	hopeless  = 20     // loss of a generator whose images are never taken for real
	farAhead  = 0.98   // accuracy of a discriminator that hardly errs
	alike     = 0.15   // of the spread: images are alike
	same      = 0.08   // they are the same
	fewKinds  = 0.03   // of the distance to the nearest
	fewImages = 10_000 // that can be learnt by heart
)

// mean returns the mean of a metric over the span that is judged.
func (c *course) mean(name string) float64 { return of(c.span().Train, name) }

// made returns how various the images are that are made.
func (c *course) made(name string) float64 { return of(c.span().Generated, name) }

func of(m map[string]float64, name string) float64 {
	if v, ok := m[name]; ok {
		return v
	}
	return nan
}

// span returns the line that is judged.
func (c *course) span() runlog.Line { return c.spans[len(c.spans)-1] }

// option returns one that is a word.
func (c *course) option(name string) string {
	s, _ := c.options[name].(string)
	return s
}

// lately says that something held in the last quarter of the steps, and at its
// beginning.
func (c *course) lately(holds func(l runlog.Line) bool) bool {
	now := c.span()
	if _, ok := now.Train[model.DLoss]; !ok || now.Step < earliest {
		return false
	}
	for _, l := range slices.Backward(c.spans) {
		if !holds(l) {
			return false
		}
		if 4*l.Step <= 3*now.Step {
			return true
		}
	}
	return false
}

// before returns what was judged before the last quarter of the steps.
func (c *course) before() runlog.Line {
	for _, l := range slices.Backward(c.spans) {
		if 4*l.Step <= 3*c.span().Step {
			return l
		}
	}
	return c.spans[0]
}

// steadier returns the changes that make a contest steadier, of those that are not made.
func (c *course) steadier() []string {
	ways := []string{"less --lr", "less --adversarial-rate"}
	norm := c.option("d-norm")
	switch norm {
	case "batch":
		ways = append(ways, "--d-norm none with --r1 1")
	case "none":
		ways = append(ways, "--d-norm spectral")
	}
	if norm != "batch" && c.number("r1", 0) == 0 && c.number("gp", 0) == 0 { // batch norm mixes images, R1 is of each
		ways = append(ways, "more --r1")
	}
	if c.number("beta1", 0) > 0.5 {
		ways = append(ways, "less --beta1")
	}
	return ways
}

// sloped returns the change to a loss that has a slope where the generator loses.
func (c *course) sloped() []string {
	if c.option("loss") != "minimax" {
		return nil
	}
	return []string{"--loss non-saturating, which has a slope where the generator loses"}
}

// modesCollapsed: all images are alike, and do not come to differ, or each has its
// double.
func (c *course) modesCollapsed() bool {
	low := func(name string, bound float64) bool {
		return c.lately(func(l runlog.Line) bool { v, ok := l.Generated[name]; return ok && v < bound })
	}
	bound, few := alike, fewKinds
	switch step := c.span().Step; {
	case step < 3*earliest: // in the beginning they often are
		return false
	case step >= 8*earliest: // and by then no more
		bound, few = 2*alike, 2*fewKinds
	}
	still := low(Spread, bound) && c.made(Spread) < 1.25*of(c.before().Generated, Spread)
	return still || low(Spread, same) || low(Nearest, few)
}

// logistic says that the accuracy is one: the sign of the logit says what is real.
func (c *course) logistic() bool { return c.option("loss") != "wasserstein" }

func (c *course) won() bool {
	return c.logistic() && c.lately(func(l runlog.Line) bool {
		return l.Train[model.DAccuracy] > 0.99 && l.Train[model.DLoss] < certain || l.Train[model.DAccuracy] > 0.9 && l.Train[model.GLoss] > hopeless
	})
}

// ahead: the generator still learns, but not what the discriminator tells by. In healthy
// runs the accuracy has long gone down by then, to 0.95 at step 4,000 and 0.83 at the end.
func (c *course) ahead() bool {
	return c.logistic() && c.span().Step >= 8*earliest && !c.won() && c.lately(func(l runlog.Line) bool { return l.Train[model.DAccuracy] > farAhead })
}

// gaveUp: it guesses, and nothing comes of it for the generator. Of codes, which an
// adversarial autoencoder has judged, that is what is wanted.
func (c *course) gaveUp() bool {
	return c.logistic() && !c.encodes && c.lately(func(l runlog.Line) bool {
		return math.Abs(l.Train[model.DAccuracy]-0.5) < 0.05 && l.Train[model.GGradNorm] < 0.05
	})
}

// vanishing: of the generator, where neither network has won.
func (c *course) vanishing() bool {
	most := c.largest(model.GGradNorm)
	return !c.won() && !c.gaveUp() && c.lately(func(l runlog.Line) bool { return l.Train[model.GGradNorm] < max(1e-3*most, 1e-6) })
}

// largest returns that of a metric over the spans.
func (c *course) largest(name string) float64 {
	most := 0.0
	for _, l := range c.spans {
		most = max(most, l.Train[name])
	}
	return most
}

// median returns that of a metric over the spans before.
func (c *course) median(name string) float64 {
	var all []float64
	for _, l := range c.spans[:len(c.spans)-1] {
		all = append(all, l.Train[name])
	}
	slices.Sort(all)
	if len(all) == 0 {
		return nan
	}
	return all[len(all)/2]
}

// explodes returns the gradient that is a hundred times what it was, and large; "" if none.
func (c *course) explodes() string {
	for _, name := range []string{model.DGradNorm, model.GGradNorm} {
		if v := c.mean(name); c.span().Step >= earliest && v > 1000 && v > 100*c.median(name) {
			return name
		}
	}
	return ""
}

// missing returns the classes of which a tenth of their share is made, or less.
func (c *course) missing() []int {
	made, all := c.now().Modes, 0.0
	for _, n := range made {
		all += n
	}
	if len(made) != len(c.classes) || all < 20*float64(len(made)) {
		return nil
	}
	var none []int
	for k, n := range made {
		if n <= 0.1*all/float64(len(made)) {
			none = append(none, k)
		}
	}
	return none
}

// lacks: a fifth of the classes, as counted at an epoch's end.
func (c *course) lacks() bool {
	n := len(c.missing())
	return n > 0 && c.now().Step >= 8*earliest && 5*n >= len(c.classes)
}
