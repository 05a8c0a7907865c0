// Package cli is the command line: commands that train generative models, show what they learned and draw from them.
//
// This file is the list of commands. Each is a file of its own: flags, checks, one call into the library, printing.
// What it knows by name, models and data sets, is listed in internal/catalog, and devices in backends.go; nothing else in the project
// names concrete ones.
//
// Errors are one line on the standard error stream. The exit status is 0, 1 if the work failed, or 2 if the command line
// asked for something that cannot be.
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// A section is commands of one purpose, under a title of the help.
type section struct {
	title    string
	commands []*cobra.Command
}

// sections returns all commands, in the order of the help.
func (a *app) sections() []section {
	return []section{
		{"Train:", []*cobra.Command{a.quickstart(), a.train(), a.dataCommand()}},
		{"Draw from a model:", []*cobra.Command{a.sample(), a.fitPrior(), a.reconstruct(), a.edit(), a.arithmetic(), a.interpolate(), a.walk(), a.invert()}},
		{"See what it learned:", []*cobra.Command{a.manifold(), a.traverse(), a.scatter(), a.project(), a.neighbours(), a.compareRuns(), a.eval()}},
		{"Use it:", []*cobra.Command{a.encode(), a.anomaly(), a.cluster(), a.classify()}},
		{"Look inside:", []*cobra.Command{a.summary(), a.bench(), a.compile(), a.version()}},
	}
}

// Main runs the command line of the process and ends it. A program with models or data of its own adds them to the
// tables of the commands, which then work on them as on all others:
//
//	func main() {
//		cli.Main(func(r *cli.Registry) { r.Models.Register(kind, recipe) })
//	}
//
// It panics on a name that is taken, as Register does.
func Main(add ...func(*Registry)) {
	// What runs long allocates next to nothing, so a heap that is kept small costs
	// no time. GOGC still rules.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	// The first interrupt ends the context, and what was running saves and stops. From then on signals have their
	// usual effect again, so a second one ends the process at once.
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, add...))
}

// run returns the program: the exit status of a command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, add ...func(*Registry)) int {
	a := newApp(stdout, stderr, add...)
	root := a.root()
	root.SetArgs(args)
	return a.exit(ctx, root.ExecuteContext(ctx))
}
