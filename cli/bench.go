package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/cpuid"
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
	Memory   int64          `json:"peak_memory_bytes,omitempty"` // of the process, where the system tells
}

// The programs that bench times. The published manifold is 30 by 30 points.
const (
	programTrain    = "train"
	programDecode   = "decode"
	programManifold = "manifold"
	manifoldPoints  = 900
)

var benchPrograms = []string{programTrain, programDecode, programManifold}

// A benchSize is what a recipe is timed on.
type benchSize struct {
	image medium.Item
	batch int
}

var (
	defaultImage = pixels.Item(28, 28, 1)
	// benchImages are those of recipes made for others.
	benchImages = map[string]medium.Item{
		"dcgan":    pixels.Item(64, 64, 3),
		"face-vae": pixels.Item(64, 64, 3),
	}
)

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

// bench times training steps and decoders on random images.
func (a *app) bench() *cobra.Command {
	var b benchFlags
	c := &cobra.Command{
		Use:   "bench [<recipe>...]",
		Short: "Time training steps and decoders on this machine",
		Long: `bench measures how fast this machine multiplies, adds and moves memory, with one thread and with all; then it times the
training step of recipes, with each reconstruction loss, and their decoders, on random images, and holds the one against
the other. Without recipes it times all there are.

A time is the median of --steps runs, after half a second of them that are not counted. GFLOP/s and % of peak count the
matrix products and convolutions alone, two operations a multiply-add; the peak is multiply-adds on registers. MB is what
the kernels read and write, each operand once; GB/s is that by the time. allocs is how often a run asks Go for memory.

--profile shows the time of each kernel, added over all threads and divided by their number.

--compare times the same work in PyTorch, by the programs in --peers, as its users write it (plain) and in the fastest
settings known (tuned): a process of ours, one of each of theirs, and again. A ratio below 1 is in our favour.`,
		Example: `  imago bench
  imago bench cnn-vae --loss mse --program train --profile
  imago bench cnn-vae --loss mse --steps 200 --threads 1 --json
  imago bench cnn-vae --filters 64,128 --batch 256
  imago bench --compare
  imago bench --compare cnn-vae mlp-vae --rounds 9`,
		Args: cobra.ArbitraryArgs,
	}
	f := c.Flags()
	f.IntVar(&b.steps, "steps", 0, "`runs` that are timed; 0 is as many as take two seconds, 5 at least")
	f.IntVar(&b.batch, "batch", 0, "`images` a training step (default the recipe's)")
	threadsFlag(c, &b.threads)
	f.StringVar(&b.shape, "shape", "", "rows, columns and channels of the images (default what the recipe is for: 28x28x1 or 64x64x3)")
	f.StringSliceVar(&b.programs, "program", benchPrograms, "`programs` to time")
	f.BoolVar(&b.profile, "profile", false, "show where the time goes, kernel by kernel")
	f.BoolVar(&b.compare, "compare", false, "time the same work in PyTorch, in turn with ours")
	f.IntVar(&b.rounds, "rounds", 5, "with --compare, how `often` all programs have their turn")
	f.StringVar(&b.peers, "peers", "internal/bench/peers", "with --compare, the `folder` of the PyTorch programs")
	f.StringVar(&b.python, "python", "", "with --compare, the `interpreter` that has PyTorch (default python3 or /usr/bin/python3)")
	f.BoolVar(&b.noMachine, "no-machine", false, "do not measure the machine first")
	f.BoolVar(&b.asJSON, "json", false, "print JSON")
	f.BoolVar(&b.markdown, "markdown", false, "print tables as Markdown")
	f.Int64Var(&b.since, "since", 0, "when the process was started, in `nanoseconds` since 1970")
	f.Lookup("since").Hidden = true // --compare's own
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

// timeRecipes returns bench without --compare.
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
	r := a.newReport(b)
	be := a.backend(b.threads)
	defer be.Close()
	for _, rec := range recipes {
		models, err := a.benchModels(rec, b)
		if err != nil {
			return usage(c, err)
		}
		for i, m := range models {
			run := bencher{ctx: c.Context(), be: be, model: m.model, steps: b.steps, profiled: b.profile, threads: r.Threads}
			if b.since > 0 {
				run.startedAt = time.Unix(0, b.since)
			}
			if r.Machine != nil {
				run.peak = r.Machine.peak().FMA
			}
			for _, program := range b.programs {
				if program != programTrain && i > 0 { // a decoder does not depend on the loss
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
	return r.print(a, b)
}

// newReport says what runs, on what, and what that can do unless it is not to be measured.
func (a *app) newReport(b *benchFlags) *benchReport {
	threads := b.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := &benchReport{Imago: buildinfo.Version(), Go: buildinfo.Go(), Platform: buildinfo.Platform(), Kernels: cpuid.Name(), Threads: threads}
	if !b.noMachine {
		r.Machine = measureMachine(threads)
	}
	return r
}

// A benchModel is a recipe built for images of one shape, with one loss.
type benchModel struct {
	model *model.Model
	loss  string // empty if the recipe has no choice
	size  benchSize
}

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

// sizeOf returns the batch that a recipe is trained with and the images it is for, where a flag has not said others; check has
// read the shape.
func sizeOf(rec model.Recipe, batch int, shape string) benchSize {
	image, ok := benchImages[rec.Name]
	if !ok {
		image = defaultImage
	}
	size := benchSize{image, cmp.Or(batch, rec.Train.Batch)}
	if shape != "" {
		size.image, _ = parseShape(shape)
	}
	return size
}

// benchModels builds a recipe with the options given: with both losses of the published programs where it has them and
// none was asked for.
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
			if err := flags[i].Set(loss); err != nil || cfg.Validate() != nil { // not one of this recipe's
				continue
			}
		case i >= 0:
			loss = flags[i].String()
		}
		m, err := cfg.New(model.Input{Item: size.image, Labels: defaultLabels})
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
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	if err := r.printMachine(a, b.markdown); err != nil {
		return err
	}
	t := table{header: []string{"recipe", "program", "loss", "images", "image", "median ms", "least ms", "images/s", "GFLOP/s", "% peak", "MB", "GB/s", "allocs", "noise"}}
	for _, x := range r.Timings {
		t.add(x.Recipe, x.Program, x.Loss, fmt.Sprint(x.Images), x.Image, ms(x.Median), ms(x.Least), thousands(int64(x.Rate)),
			short(x.GFlops), percent(x.Share), short(float64(x.Bytes)/1e6), short(x.GBytes), fmt.Sprintf("%.1f", x.Allocs), x.Noise.String())
	}
	if err := t.write(a.out, b.markdown); err != nil {
		return err
	}
	for _, x := range r.Timings {
		if x.Profile == nil {
			continue
		}
		fmt.Fprintf(a.out, "\n%s\n\n", strings.Join(slices.DeleteFunc([]string{x.Recipe, x.Program, x.Loss, plural(x.Images, "image")}, func(s string) bool { return s == "" }), ", "))
		if err := x.Profile.write(a.out, b.markdown); err != nil {
			return err
		}
	}
	return nil
}

// printMachine writes what runs where, and what the machine can do if that was measured.
func (r *benchReport) printMachine(a *app, markdown bool) error {
	fmt.Fprintf(a.out, "imago %s, Go %s, %s, %s kernels, %s", r.Imago, r.Go, r.Platform, r.Kernels, plural(r.Threads, "thread"))
	if r.Machine == nil {
		_, err := fmt.Fprint(a.out, "\n\n")
		return err
	}
	name := r.Machine.CPU
	if name == "" {
		name = "an unknown processor"
	}
	fmt.Fprintf(a.out, " of %s, %s\n\n", name, plural(r.Machine.Processors, "processor"))
	t := table{header: []string{"threads", "multiply-add GFLOP/s", "read GB/s", "copy GB/s"}}
	for _, c := range r.Machine.Capacity {
		t.add(fmt.Sprint(c.Threads), short(c.FMA), short(c.Read), short(c.Copy))
	}
	if err := t.write(a.out, markdown); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.out)
	return err
}

// ms returns a time to a microsecond, or to three digits if it is long.
func ms(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// short returns a number of three digits or so, empty if it is not known.
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

// percent returns a part of 1, empty if it is not known.
func percent(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", 100*v)
}
