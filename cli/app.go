package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// A Registry is what the commands know by name: kinds of models with their recipes,
// data sets and readers of files.
type Registry struct {
	Models model.Registry
	Data   data.Registry
}

// An app is what the commands share: the tables and where they print.
type app struct {
	Registry
	out io.Writer // results
	err io.Writer // progress and errors
}

func newApp(stdout, stderr io.Writer, add ...func(*Registry)) *app {
	a := &app{out: stdout, err: stderr}
	for _, f := range add {
		f(&a.Registry)
	}
	catalog.Models(&a.Models)
	catalog.Data(&a.Data)
	return a
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "imago",
		Short: "Train generative image models, see what they learned, draw from them",
		Long: `imago trains generative image models, shows what they learned and draws from them.

  imago quickstart                        a first model in a few minutes, with nothing to download
  imago train cnn-vae --data mnist        a recipe on a set of images
  imago sample latest                     pictures from the run last trained

A recipe is a published model with its settings. A run is what training leaves behind: a folder, named by its path, by
its name below runs/, or as "latest".`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true, // exit prints them
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return unknownCommand(c, args[0])
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(flagError)
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return checkBackend() }
	root.CompletionOptions.HiddenDefaultCmd = true
	cobra.EnableCommandSorting = false
	for _, s := range a.sections() {
		root.AddGroup(&cobra.Group{ID: s.title, Title: s.title})
		for _, c := range s.commands {
			c.GroupID = s.title
		}
		root.AddCommand(s.commands...)
	}
	root.SetHelpCommandGroupID("Look inside:")
	for _, c := range root.Commands() {
		for _, c := range append(c.Commands(), c) {
			c.Flags().SortFlags = false // in the order of the code: what matters first, the model's options last
		}
	}
	return root
}

// A usageError is a command line that asks for what cannot be: exit status 2.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string {
	return fmt.Sprintf("%v; see %s --help", e.err, e.command)
}

func (e *usageError) Unwrap() error { return e.err }

func usagef(c *cobra.Command, format string, args ...any) error {
	return usage(c, fmt.Errorf(format, args...))
}

// usage makes a usageError of err, if there is one.
func usage(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return &usageError{c.CommandPath(), err}
}

// flagError returns what is wrong with a flag, in the words of all other errors.
func flagError(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return usage(c, err)
	}
	want := "another value"
	switch bad.GetFlag().Value.Type() {
	case "int", "int64":
		want = "a whole number"
	case "uint64":
		want = "a whole number of 0 or more"
	case "float64":
		want = "a number"
	case "intSlice", "uintSlice":
		want = "whole numbers with commas between, as 3,17,40"
	case "addends":
		want = "an image file, or attributes with commas between"
	case "spread":
		want = "two numbers, the lower first, as -3..3"
	case "bool":
		want = "true or false"
	}
	return usagef(c, "--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
}

func unknownCommand(c *cobra.Command, name string) error {
	var known []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			known = append(known, sub.Name())
		}
	}
	return usagef(c, "no command %q; have %s", name, strings.Join(known, ", "))
}

// argCount checks the number of arguments; what names them, as in "a recipe".
func argCount(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef(c, "%s wants %s", c.Name(), what)
		case most >= 0 && len(args) > most:
			return usagef(c, "%s wants %s, and there is %q besides", c.Name(), what, args[most])
		}
		return nil
	}
}

// exit prints err on one line and gives the exit status.
func (a *app) exit(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	// Several faults at once come one a line; a script that reads a log wants one in all.
	line := strings.ReplaceAll(strings.TrimSpace(option.Text(err, a.flagOf)), "\n", "; ")
	if ctx.Err() != nil && (err == ctx.Err() || err == context.Cause(ctx)) { // whoever has more to say wraps these
		line = "interrupted"
	}
	fmt.Fprintf(a.err, "imago: %s\n", line)
	if u := (*usageError)(nil); errors.As(err, &u) {
		return 2
	}
	return 1
}
