package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/models/model"
)

// graphSuffix ends the name of a file that holds a function in the text form of package graph.
const graphSuffix = ".graph"

// compileFuncs are the functions of a model that can be compiled.
var compileFuncs = []string{"train", "eval", "encode", "decode", "reconstruct"}

// maxGraphText bounds what is read of a file.
const maxGraphText = 1 << 26

// compileFlags are the flags of compile.
type compileFlags struct {
	fn, shape      string
	batch, threads int
	dump           bool
	options        *modelFlags
}

// compile shows what becomes of a function.
func (a *app) compile() *cobra.Command {
	var o compileFlags
	c := &cobra.Command{
		Use:   "compile <recipe or file" + graphSuffix + ">",
		Short: "Show how a function is compiled for the processor",
		Long: `compile turns a function of a model into a program for the processor and says how large that is. --dump prints it after
every pass: the graph as it is written and simplified, what is computed together, what runs on parts of the batch, which
states are written in place, the instructions of each kernel, and when each runs and in which memory. docs/engine.md
explains them on a small example.

The dump is the same on every machine. A file that ends in ` + graphSuffix + ` holds a function as it is printed under "as written".`,
		Example: `  imago compile cnn-vae
  imago compile cnn-vae --func decode --batch 1 --dump
  imago compile mlp-vae --hidden 64 --dump --threads 4
  imago compile step` + graphSuffix + ` --dump`,
		Args: argCount(1, 1, "a recipe or a file of a graph"),
	}
	f := c.Flags()
	f.BoolVar(&o.dump, "dump", false, "print the function after every pass")
	f.StringVar(&o.fn, "func", "train", "`function` of the model: "+strings.Join(compileFuncs, ", "))
	f.IntVar(&o.batch, "batch", 0, "`images` a run (default the recipe's)")
	f.StringVar(&o.shape, "shape", "", "rows, columns and channels of the images (default what the recipe is for: 28x28x1 or 64x64x3)")
	f.IntVar(&o.threads, "threads", 1, "`number` of threads that the work is dealt to")
	o.options = a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(c); err != nil {
			return usage(c, err)
		}
		funcs, err := a.funcsOf(c, args[0], &o)
		if err != nil {
			return err
		}
		if o.dump {
			return a.dumpFuncs(funcs, o.threads)
		}
		return a.printFuncs(funcs, o.threads)
	}
	return c
}

func (o *compileFlags) check(c *cobra.Command) error {
	errs := []error{oneOf("func", o.fn, compileFuncs...), atLeast("threads", o.threads, 1)}
	if c.Flags().Changed("batch") {
		errs = append(errs, atLeast("batch", o.batch, 1))
	}
	if o.shape != "" {
		_, err := parseShape(o.shape)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// dumpFuncs prints functions after every pass.
func (a *app) dumpFuncs(funcs []*graph.Func, threads int) error {
	for i, f := range funcs {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if _, err := cpu.Dump(a.out, f, threads); err != nil {
			return err
		}
	}
	return nil
}

// printFuncs prints how large programs are. KiB of regions and of scratch are for each thread.
func (a *app) printFuncs(funcs []*graph.Func, threads int) error {
	t := table{header: []string{"function", "nodes", "simplified", "groups", "regions", "stages", "in regions", "levels", "arena KiB", "regions KiB", "scratch KiB", "ms"}}
	for _, f := range funcs {
		start := time.Now()
		s, err := cpu.Dump(nil, f, threads)
		if err != nil {
			return err
		}
		took := time.Since(start)
		t.add(f.Name, thousands(s.Written), thousands(s.Nodes), thousands(s.Groups), thousands(s.Regions), thousands(s.Stages), thousands(s.BodyStages),
			thousands(s.Levels), thousands(s.Arena>>10), thousands(s.BodyArena>>10), thousands(s.Scratch>>10), ms(took.Seconds()*1e3))
	}
	return t.write(a.out, false)
}

// funcsOf returns the function that a file holds, or those of a recipe.
func (a *app) funcsOf(c *cobra.Command, name string, o *compileFlags) ([]*graph.Func, error) {
	if strings.HasSuffix(name, graphSuffix) {
		for _, flag := range []string{"func", "batch", "shape"} {
			if c.Flags().Changed(flag) {
				return nil, usagef(c, "--%s is for a recipe: a file holds one function", flag)
			}
		}
		for _, g := range o.options.options {
			if g.set {
				return nil, usagef(c, "--%s is for a recipe: a file holds one function", g.name)
			}
		}
		f, err := readGraph(name)
		return []*graph.Func{f}, err
	}
	rec, cfg, err := a.configure(name, o.options)
	if err != nil {
		return nil, usage(c, err)
	}
	size := sizeOf(rec, o.batch, o.shape)
	m, err := cfg.New(model.Input{Item: size.image, Labels: defaultLabels})
	if err != nil {
		return nil, usage(c, fmt.Errorf("%s: %w", rec.Name, err))
	}
	funcs, err := modelFuncs(m, o.fn, size.batch)
	if err == nil && funcs == nil {
		return nil, usagef(c, "--func %s: %s has no such function", o.fn, rec.Name)
	}
	return funcs, err
}

// modelFuncs returns the functions of a name; none if the model has no such function.
func modelFuncs(m *model.Model, name string, batch int) ([]*graph.Func, error) {
	build := map[string]model.Function{
		"train": m.Last().Step, "eval": m.Eval, "encode": m.Encode, "decode": m.Decode, "reconstruct": m.Reconstruct,
	}[name]
	if build == nil {
		return nil, nil
	}
	f, err := build(batch)
	return []*graph.Func{f}, err
}

// readGraph parses a file.
func readGraph(name string) (*graph.Func, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxGraphText+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxGraphText {
		return nil, fmt.Errorf("%s: longer than the %d bytes of any function there is", name, maxGraphText)
	}
	f, err := graph.Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}
