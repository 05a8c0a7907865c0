// Package cli is the command line of imago: commands that train generative models, examine them and generate images.
//
// # What it promises
//
// Results go to standard output; progress, warnings and errors go to standard error. An error is one line that begins
// with "imago: ". The exit status is 0, or 1 if the work failed, or 2 if the command line is wrong, or 3 if
// the work is done and imago anomaly --fail-on-anomaly has found one. A command line is
// checked before the work begins, and nothing is written if it is wrong. The first interrupt (Ctrl-C), SIGTERM or loss
// of the terminal lets a command save and stop; a second interrupt ends the process. What a terminal would obey in the
// name of a file or in a message is printed escaped. The names in printed JSON, the columns of CSV and Parquet files and
// the columns of tables do not change, so that programs may read them. Every command has a help text with an example.
//
// # What it must not know
//
// A command has no mathematics of its own: it declares flags, checks them, calls the library and prints. Concrete
// kinds of models and data sets are listed in internal/catalog, and the device in backends.go and compile.go; only
// quickstart and bench name recipes, as text. Errors of the library name fields of configurations, as "Latent 0: want
// 1 to 65536"; the package writes them with flags, as "--latent 0: want 1 to 65536". Package option has the rules.
//
// # A program with models or data of its own
//
// Main takes functions that add to the tables of the commands. What they add has all commands at once: training,
// checkpoints, reports, sampling, evaluation. The options of a kind become flags by the tags of its configuration: see
// model.Flags.
//
//	func main() {
//		cli.Main(func(r *cli.Registry) { r.Models.Register(kind, recipe) })
//	}
//
// # How to add a command
//
// Write one file with a method of app that returns a *cobra.Command, and add its name to sections below. Flags that
// other commands have too are declared by the functions in flags.go, open.go and inputs.go. A script in
// testdata/script runs the command, and TestHelpExamples checks its example.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/internal/screen"
)

// A section is a title in the help, and the commands below it.
type section struct {
	title    string
	commands []*cobra.Command
}

// helpSection is the title under which the help command itself is listed.
const helpSection = "Inspect the program:"

// sections returns all commands, in the order of the help.
func (a *app) sections() []section {
	return []section{
		{"Train:", []*cobra.Command{a.quickstart(), a.studioCommand(), a.train(), a.sweep(), a.runsCommand(), a.zooCommand(), a.dataCommand(), a.importWeights()}},
		{"Generate and edit images:", []*cobra.Command{a.sample(), a.decode(), a.fitPrior(), a.reconstruct(), a.edit(), a.arithmetic(), a.interpolate(), a.walk(), a.invert()}},
		{"Examine a trained model:", []*cobra.Command{a.manifold(), a.traverse(), a.scatter(), a.project(), a.neighbours(), a.compareRuns(), a.eval()}},
		{"Encode, score, group and classify images:", []*cobra.Command{a.encode(), a.anomaly(), a.cluster(), a.classify()}},
		{"Use a trained model elsewhere:", []*cobra.Command{a.serve(), a.export()}},
		{helpSection, []*cobra.Command{a.summary(), a.bench(), a.compile(), a.docs(), a.man(), a.version()}},
	}
}

// Main runs the command line of the process, os.Args, and ends the process with its exit status. The functions in add
// are called first: they add kinds of models, recipes and data sets to those of imago, and all commands then work on
// them.
//
// It panics on a name that is taken, as the methods Register do.
func Main(add ...func(*Registry)) {
	// Training allocates almost nothing in a step, so a small heap costs no time. A user's GOGC is respected.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	os.Exit(run(interruptible(), os.Args[1:], os.Stdout, os.Stderr, add...))
}

// run runs a command line and returns its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, add ...func(*Registry)) int {
	results, messages := screen.New(stdout), screen.New(stderr)
	defer messages.Flush() // an error of the stream has appeared before
	defer results.Flush()
	a := newApp(results, messages, add...)
	root := a.root()
	a.command = append([]string{root.Name()}, args...)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		for _, model := range a.used {
			fmt.Fprintln(a.err, model)
		}
	}
	return a.exit(ctx, err)
}
