package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/english"
	"github.com/spf13/cobra"
)

// A benchCase is the same work in imago and in PyTorch.
type benchCase struct {
	name   string
	recipe string   // of imago, and its name in peer.py
	ours   []string // arguments of imago bench
	theirs []string // arguments of peer.py
	start  string   // the name of the time to the first run; empty if it is not reported
}

var benchCases = []benchCase{
	{"cnn-vae step", "cnn-vae", []string{"--program", programTrain, "--loss", "mse"}, []string{"--do", "train"}, "cnn-vae, start to first step"},
	{"mlp-vae step", "mlp-vae", []string{"--program", programTrain, "--loss", "bce"}, []string{"--do", "train"}, ""},
	{"dense-gan iteration", "dense-gan", []string{"--program", programTrain}, []string{"--do", "train"}, ""},
	{"face-vae step, 64x64x3", "face-vae", []string{"--program", programTrain, "--loss", "mse"}, []string{"--do", "train"}, ""},
	{"dcgan iteration, 64x64x3", "dcgan", []string{"--program", programTrain}, []string{"--do", "train"}, ""},
	{"cnn-vae decode, 900 points", "cnn-vae", []string{"--program", programManifold, "--loss", "mse"}, []string{"--do", "decode", "--images", "900"}, ""},
	{"cnn-vae decode, 1 point", "cnn-vae", []string{"--program", programDecode, "--loss", "mse"}, []string{"--do", "decode", "--images", "1"}, ""},
}

// memoryRecipe is the recipe whose memory in training is measured.
const memoryRecipe = "cnn-vae"

// A comparison is the result of a benchCase: medians over the rounds.
type comparison struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"` // ms or MB
	Rounds int     `json:"rounds"`
	AtPeak float64 `json:"at_peak,omitempty"` // the time of imago's matrix products and convolutions at the machine's peak, in ms
	Ours   float64 `json:"ours"`
	Tuned  float64 `json:"tuned"`
	Plain  float64 `json:"plain"`
	// Ratios of imago to PyTorch, round by round.
	OverTuned ratio  `json:"over_tuned"`
	OverPlain ratio  `json:"over_plain"`
	Noise     *noise `json:"noise,omitempty"` // of the process with most
}

// A ratio is the median, the least and the largest of the ratios of all rounds.
type ratio struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

// String formats the median.
func (r ratio) String() string { return fmt.Sprintf("%.2f", r.Median) }

// spread formats the range.
func (r ratio) spread() string { return fmt.Sprintf("%.2f to %.2f", r.Least, r.Most) }

// A compareReport is what bench --compare --json prints.
type compareReport struct {
	*benchReport
	PyTorch     string        `json:"pytorch"`
	Comparisons []*comparison `json:"comparisons"`
}

// benchAgainstPyTorch runs bench --compare: the cases of the named recipes, or all.
func (a *app) benchAgainstPyTorch(c *cobra.Command, b *benchFlags, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(benchCases, func(x benchCase) bool { return x.recipe == name }) {
			return usagef(c, "--compare has no case of %q; it has %s", name, strings.Join(benchCaseNames(), ", "))
		}
	}
	r, err := newPeerRunner(c.Context(), b.python, b.peers)
	if err != nil {
		return err
	}
	machine, err := a.newReport(c.Context(), b)
	if err != nil {
		return err
	}
	rep := &compareReport{benchReport: machine}
	r.threads, r.steps = rep.Threads, b.steps
	wanted := func(recipe string) bool { return len(names) == 0 || slices.Contains(names, recipe) }
	for _, x := range benchCases {
		if !wanted(x.recipe) {
			continue
		}
		if _, err := a.Models.Recipe(x.recipe); err != nil {
			a.warn("%s: left out: %s", x.name, a.errorText(err))
			continue
		}
		rows, err := a.runRounds(r, x, b.rounds, rep)
		if err != nil {
			return err
		}
		rep.Comparisons = append(rep.Comparisons, rows...)
	}
	if wanted(memoryRecipe) && peakMemory("self") > 0 {
		a.printProgress("cnn-vae, memory of a training process")
		memory, err := r.trainingMemory()
		if err != nil {
			return err
		}
		mb := func(t *trial) float64 { return float64(t.memory) / 1e6 }
		rep.Comparisons = append(rep.Comparisons, newComparison("cnn-vae, peak memory of training on 60,000 images", "MB", memory, mb))
	}
	return rep.print(a, b)
}

// benchCaseNames returns the recipes of the cases, each once.
func benchCaseNames() []string {
	var names []string
	for _, x := range benchCases {
		if !slices.Contains(names, x.recipe) {
			names = append(names, x.recipe)
		}
	}
	return names
}

// runRounds runs each program once in every round.
func (a *app) runRounds(r *peerRunner, x benchCase, rounds int, rep *compareReport) ([]*comparison, error) {
	var all caseTrials
	for round := range rounds {
		a.printProgress("%s, round %d of %d", x.name, round+1, rounds)
		t, err := r.runImago(append([]string{x.recipe}, x.ours...)...)
		if err != nil {
			return nil, err
		}
		all.ours = append(all.ours, t)
		if t, err = r.runPeer(peerTuned, x.recipe, x.theirs...); err != nil {
			return nil, err
		}
		all.tuned = append(all.tuned, t)
		if t, err = r.runPeer(peerPlain, x.recipe, x.theirs...); err != nil {
			return nil, err
		}
		all.plain = append(all.plain, t)
		rep.PyTorch = t.Torch
	}
	rows := []*comparison{newComparison(x.name, "ms", all, func(t *trial) float64 { return t.Median })}
	if rep.Machine != nil {
		rows[0].AtPeak = float64(all.ours[0].Executed) / rep.Machine.peak().FMA * 1e-6
	}
	if x.start != "" {
		rows = append(rows, newComparison(x.start, "ms", all, func(t *trial) float64 { return t.First }))
	}
	return rows, nil
}

// printProgress prints a line of progress.
func (a *app) printProgress(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

// caseTrials are the processes of a case, one of each program for each round.
type caseTrials struct{ ours, tuned, plain []*trial }

// newComparison returns the medians and ratios of a value of the trials.
func newComparison(name, unit string, x caseTrials, value func(*trial) float64) *comparison {
	c := &comparison{Name: name, Unit: unit, Rounds: len(x.ours)}
	values := func(list []*trial) []float64 {
		var v []float64
		for _, t := range list {
			v = append(v, value(t))
			c.Noise = c.Noise.max(t.noise)
		}
		return v
	}
	medianOf := func(v []float64) float64 { return median(slices.Sorted(slices.Values(v))) }
	ratios := func(mine, theirs []float64) ratio {
		var r []float64
		for i := range mine {
			r = append(r, mine[i]/theirs[i])
		}
		slices.Sort(r)
		return ratio{median(r), r[0], r[len(r)-1]}
	}
	o, t, p := values(x.ours), values(x.tuned), values(x.plain)
	c.Ours, c.Tuned, c.Plain = medianOf(o), medianOf(t), medianOf(p)
	c.OverTuned, c.OverPlain = ratios(o, t), ratios(o, p)
	return c
}

// print writes the report as JSON, or as tables.
func (r *compareReport) print(a *app, b *benchFlags) error {
	if b.asJSON {
		return a.printJSON(r)
	}
	if err := r.printMachine(a, b.markdown); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "PyTorch %s, medians of %s\n\n", r.PyTorch, english.Plural(b.rounds, "round"))
	t := table{header: []string{"case", "unit", "at peak", "imago", "tuned", "plain", "of tuned", "spread", "of plain", "spread", "noise"}}
	for _, c := range r.Comparisons {
		atPeak := ""
		if c.AtPeak > 0 {
			atPeak = ms(c.AtPeak)
		}
		t.add(c.Name, c.Unit, atPeak, ms(c.Ours), ms(c.Tuned), ms(c.Plain), c.OverTuned.String(), c.OverTuned.spread(),
			c.OverPlain.String(), c.OverPlain.spread(), c.Noise.String())
	}
	return t.write(a.out, b.markdown)
}
