package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/interrupt"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/models/model"
)

// A Registry is the table of all that the commands find by name: kinds of models with their recipes, data sets, and
// readers of files.
type Registry struct {
	Models model.Registry
	Data   data.Registry
}

// An app is what the commands share: the registry and the two output streams.
type app struct {
	Registry
	options []modelOption // of its kinds: see optionsOfKinds

	out io.Writer // results, with what a terminal would obey escaped; screen.Data is for those of programs
	err io.Writer // progress and errors, in the same way

	memory  sizeFlag // the budget of the process
	command []string // the words of the command line; a run keeps them for its report
	used    []string // the models that were opened, with the step of each; printed when the command has done its work
}

// newApp returns an app with the entries of add and those of imago.
func newApp(stdout, stderr io.Writer, add ...func(*Registry)) *app {
	a := &app{out: screen.New(stdout), err: screen.New(stderr)}
	for _, f := range add {
		f(&a.Registry)
	}
	catalog.Models(&a.Models)
	catalog.Data(&a.Data)
	catalog.Zoo()
	return a
}

// root returns the command imago with all other commands below it.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "imago",
		Short: "Train generative models of images, sound, music, texts and tables; look into them; make new ones",
		Long: `imago trains generative models, examines what they learned, and makes new images, sounds, melodies, texts or
rows of a table with them. Where a help text speaks of images, it means the items of any set.

  imago quickstart                        train a first model in a few minutes, with nothing to download
  imago train cnn-vae --data mnist        train a recipe on a data set
  imago sample latest                     generate images with the model trained last

A recipe is a published model with its settings. A run is the folder that training makes: commands take its path, its
name below runs/, or the word latest.`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true, // exit prints errors
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
	root.SetHelpFunc(a.help)
	root.SetHelpCommand(a.helpCommand())
	root.Version = buildinfo.Version()
	root.SetVersionTemplate(versionLine())
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		a.limitMemory()
		return checkBackend()
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	cobra.EnableCommandSorting = false
	for _, s := range a.sections() {
		root.AddGroup(&cobra.Group{ID: s.title, Title: s.title})
		for _, c := range s.commands {
			c.GroupID = s.title
			if s.title != trainSection && c.Name() != evalName {
				endWithin(c)
			}
		}
		root.AddCommand(s.commands...)
	}
	root.SetHelpCommandGroupID(helpSection)
	a.addMemoryFlag(root)
	for _, c := range root.Commands() {
		for _, c := range append(c.Commands(), c) {
			c.Flags().SortFlags = false // keep the order of the code: the important flags first, the options of models last
			a.complete(c)
		}
	}
	return root
}

// The commands of trainSection and the command evalName save what they have done when they are interrupted, and say how
// it is gone on with.
const (
	trainSection = "Train:"
	evalName     = "eval"
)

// endWithin lets a command end when it is interrupted, and those below it, whatever they are doing: a sheet of a thousand
// pictures is drawn in one call. Files are replaced whole, so none is left in part.
func endWithin(c *cobra.Command) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			return interrupt.Within(c.Context(), func() error { return run(c, args) })
		}
	}
	for _, below := range c.Commands() {
		endWithin(below)
	}
}

// A usageError is an error in the command line: exit status 2.
type usageError struct {
	command string // its path, as "imago train"
	err     error
}

// Error returns the message, with a reference to the help of the command.
func (e *usageError) Error() string {
	return fmt.Sprintf("%v; see %s --help", e.err, e.command)
}

// Unwrap returns the error without the reference.
func (e *usageError) Unwrap() error { return e.err }

// usagef returns a usageError with a formatted message.
func usagef(c *cobra.Command, format string, args ...any) error {
	return usage(c, fmt.Errorf(format, args...))
}

// usage returns err as a usageError of the command c, and nil if err is nil.
func usage(c *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return &usageError{c.CommandPath(), err}
}

// flagError returns the usageError for a flag that cobra could not parse: it names the flag, its value and the values
// that it takes.
func flagError(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		return usagef(c, "%w%s", err, data.DidYouMean(unknown.GetSpecifiedName(), flagNames(c)))
	}
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
	case "terms":
		want = "an image file, or attributes with commas between"
	case "size":
		want = "a number with its unit, as 4GB or 512MB"
	case "spread":
		want = "two numbers, the lower first, as -3..3"
	case "bool":
		want = "true or false"
	}
	return usagef(c, "--%s %q: want %s", bad.GetFlag().Name, bad.GetValue(), want)
}

// flagNames returns the names of the flags that the help of a command lists, with their hyphens.
func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

// unknownCommand returns the usageError for a name that is no command below c.
func unknownCommand(c *cobra.Command, name string) error {
	var known []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			known = append(known, sub.Name())
		}
	}
	return usagef(c, "no command %q%s; have %s", name, data.DidYouMean(name, known), strings.Join(known, ", "))
}

// argCount returns a check that a command has from least to most arguments; most -1 is any number. The text what names
// them in the error, as "a recipe".
func argCount(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef(c, "%s wants %s", c.Name(), what)
		case most >= 0 && len(args) > most:
			return usagef(c, "%s wants %s: there is no use for %q", c.Name(), what, args[most])
		}
		return nil
	}
}

// exit prints err on one line, with flags in place of the fields that an error of the library names, and returns the
// exit status.
func (a *app) exit(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	line := oneLine(a.errorText(err))
	if why := context.Cause(ctx); ctx.Err() != nil {
		for _, end := range []error{ctx.Err(), why} { // a command with more to report does not end with these
			if errors.Is(err, end) && strings.HasSuffix(line, end.Error()) {
				line = "interrupted"
			}
		}
	}
	fmt.Fprintf(a.err, "imago: %s\n", line)
	if u := (*usageError)(nil); errors.As(err, &u) {
		return 2
	}
	if errors.Is(err, errAnomaly) {
		return 3
	}
	return 1
}

// errorText returns the message of err, with flags in place of the fields that an error of the library names, and
// commands in place of its other remedies.
func (a *app) errorText(err error) string {
	text := option.Text(err, a.flagOf)
	if f := (*data.FetchError)(nil); errors.As(err, &f) {
		text = strings.Replace(text, f.Remedy(), "run: imago data get "+f.Set, 1)
	}
	if errors.Is(err, latent.ErrNoEncoder) {
		text = strings.Replace(text, "Session.Invert", "imago invert", 1)
	}
	if remedy := machineRemedy(err); remedy != "" {
		text += ": " + remedy
	}
	return text
}
