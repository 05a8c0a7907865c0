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

// compileFuncs are the names of the functions of a model that can be compiled.
var compileFuncs = []string{"train", "eval", "encode", "decode", "reconstruct"}

// maxGraphText is the largest number of bytes of a file of a graph.
const maxGraphText = 1 << 26

// compileFlags are the flags of compile.
type compileFlags struct {
	fn, shape      string
	batch, threads int
	dump           bool
	options        *modelFlags
}

// compile returns the command compile: it shows how a function is compiled.
func (a *app) compile() *cobra.Command {
	var o compileFlags
	c := &cobra.Command{
		Use:   "compile <recipe or file" + graphSuffix + ">",
		Short: "Show how a function is compiled for the processor",
		Long: `compile turns a function of a model into a program for the processor and prints its size. --dump prints the function
after every pass: the graph as written and simplified, the fused groups, the regions that run on parts of the batch,
the states that are written in place, the instructions of each kernel, and the schedule with the memory plan.
docs/engine.md explains the passes on a small example.

The dump is the same on every machine. A file that ends in ` + graphSuffix + ` holds a function in the form of the part "as written".`,
		Example: `  imago compile cnn-vae
  imago compile cnn-vae --func decode --batch 1 --dump
  imago compile mlp-vae --hidden 64 --dump --threads 4
  imago compile step` + graphSuffix + ` --dump`,
		Args: argCount(1, 1, "a recipe or a file of a graph"),
	}
	f := c.Flags()
	f.BoolVar(&o.dump, "dump", false, "print the function after every pass")
	f.StringVar(&o.fn, "func", "train", "`function` of the model: "+strings.Join(compileFuncs, ", "))
	f.IntVar(&o.batch, "batch", 0, "`images` in a run (default the recipe's)")
	shapeFlag(c, &o.shape, "")
	f.IntVar(&o.threads, "threads", 1, "`number` of threads that share the work")
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

// check returns all errors in the flags.
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

// printFuncs prints a table of the sizes of programs. KiB of regions and of scratch are for each thread.
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
		if err := o.options.refuse("is for a recipe: a file holds one function"); err != nil {
			return nil, usage(c, err)
		}
		f, err := readGraph(name)
		return []*graph.Func{f}, err
	}
	rec, cfg, err := a.configure(name, o.options)
	if err != nil {
		return nil, usage(c, err)
	}
	size := sizeOf(rec, o.batch, o.shape)
	m, err := a.buildFor(cfg, size.image, defaultLabels)
	if err != nil {
		return nil, usage(c, fmt.Errorf("%s: %w", rec.Name, err))
	}
	funcs, err := modelFuncs(m, o.fn, size.batch)
	if err == nil && funcs == nil {
		return nil, usagef(c, "--func %s: %s has no such function", o.fn, rec.Name)
	}
	return funcs, err
}

// modelFuncs returns the function of a model with the given name, or nil if the model does not have it.
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

// readGraph parses a file of a graph.
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
		return nil, fmt.Errorf("%s: more than %d bytes, the limit of a function", name, maxGraphText)
	}
	f, err := graph.Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}
