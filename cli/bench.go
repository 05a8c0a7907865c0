package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/cpuid"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/interrupt"
	"github.com/imago-ml/imago/models/model"
)

// A benchReport is what bench --json prints.
type benchReport struct {
	Imago    string         `json:"imago"`
	Go       string         `json:"go"`
	Platform string         `json:"platform"`
	Kernels  string         `json:"kernels"` // the implementation of the inner loops
	Threads  int            `json:"threads"`
	Machine  *machine       `json:"machine,omitempty"`
	Timings  []*benchTiming `json:"timings,omitempty"`
	Memory   int64          `json:"peak_memory_bytes,omitempty"` // of the process, where the system reports it
}

// The programs that bench times. The published manifold is 30 by 30 points.
const (
	programTrain    = "train"
	programDecode   = "decode"
	programManifold = "manifold"
	manifoldPoints  = 900
)

var benchPrograms = []string{programTrain, programDecode, programManifold}

// A benchSize is the images and the batch of the programs of a recipe.
type benchSize struct {
	image medium.Item
	batch int
}

// benchFlags are the flags of bench.
type benchFlags struct {
	steps, batch, threads int
	programs              []string
	shape                 string
	profile, noMachine    bool
	asJSON, markdown      bool
	since                 int64
	compare               bool
	rounds                int
	peers, python         string
	options               *modelFlags
}

// bench returns the command bench: it times training steps and decoders on random images.
func (a *app) bench() *cobra.Command {
	var b benchFlags
	c := &cobra.Command{
		Use:   "bench [<recipe>...]",
		Short: "Time training steps and decoders on this machine",
		Long: `bench measures how fast this machine multiplies, adds and copies memory, with one thread and with all. Then it times
the training step of recipes, with each reconstruction loss, and their decoders, on random images, and compares the
times with the speed of the machine. Without recipes it times all that make images.

A time is the median of --steps runs, after half a second of warm-up. GFLOP/s and % peak count the operations of matrix
products and convolutions only, two for a multiply-add, as they are executed; the peak is the rate of multiply-adds on
registers by the widest vectors that kernels use. Convolutions in Winograd's form execute fewer operations than by their
definition, whose rate is the column defined. MB is the size of all operands and results of the kernels, each counted once;
GB/s is MB divided by the time. allocs is the number of memory allocations of Go in a run.

--profile shows the time of each kernel, summed over all threads and divided by their number, and what bounds it: the time
that its operations take at the peak (arithmetic), or that its operands take to be read from the smallest cache that
holds them all, or from memory, whichever is longer; and how much of its time that is.

--compare times the same work in PyTorch, with the programs in --peers, as its users write it (plain) and with the
fastest known settings (tuned). In each round imago, tuned and plain run one after the other, each in a process of its
own. A ratio below 1 means that imago is faster.`,
		Example: `  imago bench
  imago bench cnn-vae --loss mse --program train --profile
  imago bench cnn-vae --loss mse --steps 200 --threads 1 --json
  imago bench cnn-vae --filters 64,128 --batch 256
  imago bench --compare
  imago bench --compare cnn-vae mlp-vae --rounds 9`,
		Args: cobra.ArbitraryArgs,
	}
	f := c.Flags()
	f.IntVar(&b.steps, "steps", 0, "`number` of timed runs; 0 means as many as take two seconds, at least 5")
	f.IntVar(&b.batch, "batch", 0, "`images` in a training step (default the recipe's)")
	threadsFlag(c, &b.threads)
	shapeFlag(c, &b.shape, "")
	f.StringSliceVar(&b.programs, "program", benchPrograms, "`programs` to time")
	f.BoolVar(&b.profile, "profile", false, "show the time of each kernel")
	f.BoolVar(&b.compare, "compare", false, "time the same work in PyTorch too, and compare")
	f.IntVar(&b.rounds, "rounds", 5, "with --compare: `number` of rounds in which each program runs once")
	f.StringVar(&b.peers, "peers", "internal/bench/peers", "with --compare: `folder` of the PyTorch programs")
	f.StringVar(&b.python, "python", "", "with --compare: Python `interpreter` that has PyTorch (default python3 or /usr/bin/python3)")
	f.BoolVar(&b.noMachine, "no-machine", false, "do not measure the machine first")
	f.BoolVar(&b.asJSON, "json", false, "print JSON")
	f.BoolVar(&b.markdown, "markdown", false, "print tables as Markdown")
	f.Int64Var(&b.since, "since", 0, "start time of the process, in `nanoseconds` since 1970")
	f.Lookup("since").Hidden = true // for the processes of --compare
	b.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := b.check(c); err != nil {
			return usage(c, err)
		}
		if b.compare {
			return a.benchAgainstPyTorch(c, &b, args)
		}
		return a.timeRecipes(c, &b, args)
	}
	return c
}

// check returns all errors in the flags.
func (b *benchFlags) check(c *cobra.Command) error {
	errs := []error{atLeast("steps", b.steps, 0), atLeast("threads", b.threads, 0), atLeast("rounds", b.rounds, 1)}
	given := c.Flags().Changed
	if given("batch") {
		errs = append(errs, atLeast("batch", b.batch, 1))
	}
	if given("shape") {
		_, err := parseShape(b.shape)
		errs = append(errs, err)
	}
	for _, p := range b.programs {
		errs = append(errs, oneOf("program", p, benchPrograms...))
	}
	if b.compare {
		for _, name := range []string{"batch", "shape", "program", "profile"} {
			if given(name) {
				errs = append(errs, fmt.Errorf("--%s does not go with --compare, whose cases are fixed", name))
			}
		}
		errs = append(errs, b.options.refuse("does not go with --compare, whose cases are fixed"))
	} else {
		for _, name := range []string{"rounds", "peers", "python"} {
			if given(name) {
				errs = append(errs, fmt.Errorf("--%s is of use with --compare only", name))
			}
		}
	}
	if b.asJSON && b.markdown {
		errs = append(errs, errors.New("--json and --markdown: want one of them"))
	}
	return errors.Join(errs...)
}

// timeRecipes does the work of bench without --compare: it times the named recipes, or all, and prints a report.
func (a *app) timeRecipes(c *cobra.Command, b *benchFlags, names []string) error {
	recipes := a.Models.Recipes()
	if len(names) > 0 {
		recipes = nil
		for _, name := range names {
			rec, err := a.Models.Recipe(name)
			if err != nil {
				return usage(c, err)
			}
			recipes = append(recipes, rec)
		}
	}
	r, err := a.newReport(c.Context(), b)
	if err != nil {
		return err
	}
	be := a.backend(b.threads)
	defer be.Close()
	var others []string // recipes of all whose models take no images
	for _, rec := range recipes {
		models, err := a.benchModels(rec, b)
		if err != nil && len(names) == 0 && len(others) < len(recipes)-1 {
			others = append(others, rec.Name)
			continue
		}
		if err != nil {
			return usage(c, err)
		}
		for i, m := range models {
			run := bencher{ctx: c.Context(), be: be, model: m.model, steps: b.steps, profiled: b.profile, threads: r.Threads}
			if b.since > 0 {
				run.startedAt = time.Unix(0, b.since)
			}
			if r.Machine != nil {
				run.peak = r.Machine.peak()
			}
			for _, program := range b.programs {
				if program != programTrain && i > 0 { // the decoder does not depend on the loss
					continue
				}
				t := m.timing(rec.Name, program)
				ok, err := run.measure(t)
				if err != nil {
					return fmt.Errorf("bench: %s: %w", rec.Name, err)
				}
				if ok {
					r.Timings = append(r.Timings, t)
				}
			}
		}
	}
	r.Memory = peakMemory("self")
	if len(others) > 0 {
		fmt.Fprintf(a.err, "left out, as their models take no images of that shape: %s\n", strings.Join(others, ", "))
	}
	return r.print(a, b)
}

// newReport returns a report with the versions, the number of threads and, unless --no-machine is given, the speed of
// the machine.
func (a *app) newReport(ctx context.Context, b *benchFlags) (*benchReport, error) {
	threads := b.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := &benchReport{Imago: buildinfo.Version(), Go: buildinfo.Go(), Platform: buildinfo.Platform(), Kernels: cpuid.Name(), Threads: threads}
	if b.noMachine {
		return r, nil
	}
	err := interrupt.Within(ctx, func() error {
		r.Machine = measureMachine(threads)
		return nil
	})
	return r, err
}

// A benchModel is a recipe built for images of one shape, with one loss.
type benchModel struct {
	model *model.Model
	loss  string // empty if the recipe has no losses to choose from
	size  benchSize
}

// timing returns the timing of a program, not yet measured.
func (m *benchModel) timing(recipe, program string) *benchTiming {
	t := &benchTiming{Recipe: recipe, Program: program, Image: m.size.image.String()}
	switch program {
	case programTrain:
		t.Loss, t.Images = m.loss, m.size.batch
	case programDecode:
		t.Images = 1
	case programManifold:
		t.Images = manifoldPoints
	}
	return t
}

// sizeOf returns the shape of images and the batch of a recipe: those of the flags, else those that the recipe is
// published for. The shape was checked before.
func sizeOf(rec model.Recipe, batch int, shape string) benchSize {
	size := benchSize{imageOf(rec), cmp.Or(batch, rec.Train.Batch)}
	if shape != "" {
		size.image, _ = parseShape(shape)
	}
	return size
}

// benchModels builds a recipe with the options that the user gave. Without --loss it builds one model for each of the
// losses mse and bce that the recipe has.
func (a *app) benchModels(rec model.Recipe, b *benchFlags) ([]*benchModel, error) {
	size := sizeOf(rec, b.batch, b.shape)
	losses := []string{"mse", "bce"}
	if b.options.isSet("loss") {
		losses = nil
	}
	var models []*benchModel
	for _, loss := range append(losses, "") {
		_, cfg, err := a.configure(rec.Name, b.options)
		if err != nil {
			return nil, err
		}
		flags := model.Flags(cfg)
		i := slices.IndexFunc(flags, func(f *model.Flag) bool { return f.Name == "loss" })
		switch {
		case loss == "" && len(models) > 0, loss != "" && i < 0:
			continue
		case loss != "":
			if err := flags[i].Set(loss); err != nil || cfg.Validate() != nil { // the recipe does not have this loss
				continue
			}
		case i >= 0:
			loss = flags[i].String()
		}
		m, err := a.buildFor(cfg, size.image, defaultLabels)
		if err != nil {
			return nil, err
		}
		models = append(models, &benchModel{m, loss, size})
	}
	return models, nil
}

// print writes the report as JSON, or as tables.
func (r *benchReport) print(a *app, b *benchFlags) error {
	if b.asJSON {
		return a.printJSON(r)
	}
	if err := r.printMachine(a, b.markdown); err != nil {
		return err
	}
	t := table{header: []string{"recipe", "program", "loss", "images", "image", "median ms", "least ms", "images/s", "GFLOP/s", "% peak", "defined", "MB", "GB/s", "allocs", "noise"}}
	for _, x := range r.Timings {
		t.add(x.Recipe, x.Program, x.Loss, fmt.Sprint(x.Images), x.Image, ms(x.Median), ms(x.Least), thousands(int64(x.Rate)),
			short(x.GFlops), percent(x.Share), short(x.Defined), short(float64(x.Bytes)/1e6), short(x.GBytes), fmt.Sprintf("%.1f", x.Allocs), x.Noise.String())
	}
	if err := t.write(a.out, b.markdown); err != nil {
		return err
	}
	for _, x := range r.Timings {
		if x.Profile == nil {
			continue
		}
		fmt.Fprintf(a.out, "\n%s\n\n", strings.Join(slices.DeleteFunc([]string{x.Recipe, x.Program, x.Loss, english.Plural(x.Images, "image")}, func(s string) bool { return s == "" }), ", "))
		if err := x.Profile.write(a.out, b.markdown); err != nil {
			return err
		}
	}
	return nil
}

// printMachine prints the versions, the machine and, if it was measured, its speed.
func (r *benchReport) printMachine(a *app, markdown bool) error {
	fmt.Fprintf(a.out, "imago %s, Go %s, %s, %s kernels, %s", r.Imago, r.Go, r.Platform, r.Kernels, english.Plural(r.Threads, "thread"))
	if r.Machine == nil {
		_, err := fmt.Fprint(a.out, "\n\n")
		return err
	}
	name := r.Machine.CPU
	if name == "" {
		name = "an unknown processor"
	}
	fmt.Fprintf(a.out, " of %s, %s\n\n", name, english.Plural(r.Machine.Processors, "processor"))
	t := table{header: []string{"threads"}}
	for _, u := range r.Machine.peak().Units {
		t.header = append(t.header, u.Name+" GFLOP/s")
	}
	for _, l := range r.Machine.peak().Levels {
		t.header = append(t.header, "read "+l.Name+" GB/s")
	}
	t.header = append(t.header, "copy memory GB/s")
	for _, c := range r.Machine.Capacity {
		row := []string{fmt.Sprint(c.Threads)}
		for _, u := range c.Units {
			row = append(row, short(u.FMA))
		}
		for _, l := range c.Levels {
			row = append(row, short(l.Read))
		}
		t.add(append(row, short(c.Copy))...)
	}
	if err := t.write(a.out, markdown); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.out)
	return err
}

// ms formats a time in ms with three decimals, or one from 100 on.
func ms(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// short formats a number with about three digits, and 0, which is unknown, as "".
func short(v float64) string {
	switch {
	case v == 0:
		return ""
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// percent formats a part of 1 in percent, and 0, which is unknown, as "".
func percent(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", 100*v)
}
