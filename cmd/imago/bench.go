package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/graph"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/rng"
	"github.com/imago-ml/imago/tensor"
)

// A benchReport is what bench --json prints.
type benchReport struct {
	Imago    string         `json:"imago"`
	Go       string         `json:"go"`
	Platform string         `json:"platform"`
	Backend  string         `json:"backend"`
	Threads  int            `json:"threads"`
	Timings  []*benchTiming `json:"timings"`
}

// A benchTiming is what one program took.
type benchTiming struct {
	Recipe  string  `json:"recipe"`
	Loss    string  `json:"loss,omitempty"` // of a training step
	Program string  `json:"program"`        // train, decode or manifold
	Images  int     `json:"images"`         // a run
	Runs    int     `json:"runs"`
	Median  float64 `json:"median_ms"`
	Least   float64 `json:"least_ms"`
	Rate    float64 `json:"images_per_s"` // at the median
	Allocs  float64 `json:"allocs_per_run"`
}

// manifoldPoints is the published manifold: 30 by 30.
const manifoldPoints = 900

// warmUp is how long a program runs before it is timed.
const warmUp = 500 * time.Millisecond

// bench times training steps and decoders on random images.
func (a *app) bench() *cobra.Command {
	var (
		steps, batch, threads int
		shape                 string
		asJSON                bool
	)
	c := &cobra.Command{
		Use:   "bench [<recipe>...]",
		Short: "Time training steps and decoders on this machine",
		Long: `bench times the training step of recipes, with each reconstruction loss, and their decoders, on random images.

A time is the median of --steps runs, after half a second of them that are not counted. allocs is how often a run asks Go for memory.`,
		Example: `  imago bench
  imago bench cnn-vae --loss mse --steps 200 --threads 1 --json`,
		Args: cobra.ArbitraryArgs,
	}
	f := c.Flags()
	f.IntVar(&steps, "steps", 50, "`runs` that are timed")
	f.IntVar(&batch, "batch", 128, "`images` a training step")
	threadsFlag(c, &threads)
	f.StringVar(&shape, "shape", "28x28x1", "rows, columns and channels of the images")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	options := a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		img, err := parseShape(shape)
		if err == nil {
			err = errors.Join(atLeast("steps", steps, 1), atLeast("batch", batch, 1), atLeast("threads", threads, 0))
		}
		if err != nil {
			return usage(c, err)
		}
		if len(args) == 0 {
			args = []string{"cnn-vae", "mlp-vae"}
		}
		losses := []string{"mse", "bce"}
		if options.has("loss") {
			losses = []string{""} // options sets it
		}
		be := a.backend(threads)
		defer be.Close()
		if threads == 0 {
			threads = runtime.GOMAXPROCS(0)
		}
		r := &benchReport{buildinfo.Version(), buildinfo.Go(), buildinfo.Platform(), be.Name(), threads, nil}
		for _, name := range args {
			rec, err := a.models.Recipe(name)
			if err != nil {
				return usage(c, err)
			}
			for i, loss := range losses {
				b := bencher{ctx: c.Context(), be: be, recipe: name, batch: batch, steps: steps}
				if b.model, b.loss, err = a.benchModel(rec, options, loss, img); err != nil {
					return usage(c, err)
				}
				if i > 0 && b.loss == "" { // a model of one loss
					break
				}
				r.Timings = append(r.Timings, b.trainStep())
				if i == 0 { // a decoder does not depend on the loss
					r.Timings = append(r.Timings, b.decode("decode", 1), b.decode("manifold", manifoldPoints))
				}
				r.Timings = slices.DeleteFunc(r.Timings, func(t *benchTiming) bool { return t == nil })
				if b.err != nil {
					return fmt.Errorf("bench: %s: %w", name, b.err)
				}
			}
		}
		return a.printBench(r, asJSON)
	}
	return c
}

func (a *app) benchModel(rec model.Recipe, options *modelFlags, loss string, img model.Image) (model.Model, string, error) {
	cfg, err := a.models.Config(rec)
	if err != nil {
		return nil, "", err
	}
	if err := options.apply(rec.Name, cfg); err != nil {
		return nil, "", err
	}
	used := ""
	for _, f := range model.Flags(cfg) {
		if f.Name == "loss" {
			if loss != "" {
				if err := f.Set(loss); err != nil {
					return nil, "", err
				}
			}
			used = f.String()
		}
	}
	m, err := cfg.New(img)
	return m, used, err
}

// A bencher times the programs of one model. After a failure err is set and nothing more is timed.
type bencher struct {
	ctx          context.Context
	be           backend.Backend
	model        model.Model
	recipe, loss string
	batch, steps int
	err          error
}

// state is the model's first values on the device.
func (b *bencher) state() (backend.State, error) {
	s := b.be.NewState()
	key := rng.New(1).Split("init")
	for _, p := range b.model.Params() {
		if err := s.Set(p.Name, p.Draw(key)); err != nil {
			return nil, err
		}
	}
	for _, slot := range b.model.Slots() {
		if err := s.Set(slot.Name, slot.Tensor()); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (b *bencher) trainStep() *benchTiming {
	funcs, err := b.model.Train(b.batch)
	return b.time(&benchTiming{Recipe: b.recipe, Loss: b.loss, Program: "train", Images: b.batch, Runs: b.steps}, funcs, err)
}

func (b *bencher) decode(name string, points int) *benchTiming {
	d, ok := b.model.(model.Decoder)
	if !ok {
		return nil
	}
	f, err := d.Decode(points)
	return b.time(&benchTiming{Recipe: b.recipe, Program: name, Images: points, Runs: b.steps}, []*graph.Func{f}, err)
}

// time fills in t for the functions run one after the other.
func (b *bencher) time(t *benchTiming, funcs []*graph.Func, err error) *benchTiming {
	if b.err = errors.Join(b.err, err); b.err != nil {
		return nil
	}
	s, err := b.state()
	if err != nil {
		b.err = err
		return nil
	}
	var programs []backend.Program
	var in, out [][]*tensor.Tensor
	for _, f := range funcs {
		p, err := b.be.Compile(f, s, backend.Options{})
		if err != nil {
			b.err = err
			return nil
		}
		programs = append(programs, p)
		in, out = append(in, operands(p.Inputs(), true)), append(out, operands(p.Outputs(), false))
	}
	run := func() float64 {
		start := time.Now()
		for j, p := range programs {
			if b.err = errors.Join(b.ctx.Err(), b.err, p.Run(in[j], out[j])); b.err != nil {
				break
			}
		}
		return time.Since(start).Seconds() * 1e3
	}
	// The system takes a while to give each thread a processor of its own.
	for start := time.Now(); time.Since(start) < warmUp && b.err == nil; {
		run()
	}
	ms := make([]float64, 0, t.Runs)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range t.Runs {
		ms = append(ms, run())
	}
	runtime.ReadMemStats(&after)
	if b.err != nil {
		return nil
	}
	slices.Sort(ms)
	t.Median, t.Least = ms[len(ms)/2], ms[0]
	t.Rate = float64(t.Images) / t.Median * 1e3
	t.Allocs = float64(after.Mallocs-before.Mallocs) / float64(t.Runs)
	return t
}

// operands are tensors for specs, filled with what a batch of that name holds.
func operands(specs []backend.Spec, fill bool) []*tensor.Tensor {
	all := make([]*tensor.Tensor, len(specs))
	for i, s := range specs {
		all[i] = s.New()
		if !fill {
			continue
		}
		key := rng.New(1).Split(s.Name)
		switch s.Name {
		case model.InputX:
			key.Uniform(all[i].F32())
		case model.InputZ:
			key.Normal(all[i].F32())
		case model.InputWeight:
			for j := range all[i].F32() {
				all[i].F32()[j] = 1
			}
		case model.InputLR:
			all[i].F32()[0] = 1e-3
		case model.InputKey:
			words := key.Words()
			copy(all[i].I32(), words[:])
		}
	}
	return all
}

func (a *app) printBench(r *benchReport, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(a.out, "imago %s, Go %s, %s, %s, %s\n", r.Imago, r.Go, r.Platform, r.Backend, plural(r.Threads, "thread"))
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "recipe\tprogram\tloss\timages\tmedian ms\tleast ms\timages/s\tallocs\t")
	for _, t := range r.Timings {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.3f\t%.3f\t%s\t%.1f\t\n", t.Recipe, t.Program, t.Loss, t.Images, t.Median, t.Least, thousands(int64(t.Rate)), t.Allocs)
	}
	return w.Flush()
}
