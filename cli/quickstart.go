package cli

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/runlog"
)

// quickstart returns the command quickstart: it trains a first model on a set that imago draws itself.
func (a *app) quickstart() *cobra.Command {
	var t trainFlags
	var medium string
	c := &cobra.Command{
		Use:     "quickstart",
		Short:   "Train a first model, with nothing to download",
		Long:    aboutFirstRuns(),
		Example: "  imago quickstart",
		Args:    argCount(0, 0, "no argument"),
	}
	f := c.Flags()
	f.StringVar(&medium, "medium", firstRuns[0].medium, "what the model makes: "+firstMedia(", "))
	f.IntVar(&t.epochs, "epochs", 0, "`number` of times each item is used (default: as many as take a minute or two)")
	f.IntVar(&t.limit, "limit", 0, "use only so many training `items`, for a first look in seconds; 0 uses all")
	runsFlag(c, &t.out)
	f.Uint64Var(&t.seed, "seed", 1, "`seed` of all random numbers")
	threadsFlag(c, &t.threads)
	c.RunE = func(c *cobra.Command, _ []string) error {
		first, err := firstRunOf(medium)
		if !c.Flags().Changed("epochs") {
			t.epochs = first.epochs
		}
		if err = cmp.Or(err, atLeast("threads", t.threads, 0), atLeast("epochs", t.epochs, 1), atLeast("limit", t.limit, 0)); err != nil {
			return usage(c, err)
		}
		rec, cfg, err := a.configure(first.recipe, first.modelFlags())
		if err != nil {
			return err
		}
		opt := data.Options{Progress: a.err, Limit: t.limit}
		set, err := a.Data.Open(c.Context(), first.data, opt)
		if err != nil {
			return err
		}
		config, err := runlog.NewConfig(rec, cfg, set, first.data, opt)
		if err != nil {
			return err
		}
		config.Epochs, config.Seed, config.Pictures = t.epochs, t.seed, 0
		m, err := config.Build(&a.Models)
		if err != nil {
			return err
		}
		run, err := runlog.Create(t.out, "", config)
		if err != nil {
			return err
		}
		if err := a.runTraining(c, &t, run, m, set); err != nil {
			return err
		}
		a.printNextSteps(run, first)
		return nil
	}
	return c
}

// printNextSteps opens the report in a browser if there is a screen, and prints commands to try.
func (a *app) printNextSteps(run *runlog.Run, first firstRun) {
	report := run.Path(runlog.ReportFile)
	if abs, err := filepath.Abs(report); err == nil {
		report = abs
	}
	if open := browserPath(); open != "" && exec.Command(open, report).Start() == nil {
		fmt.Fprintf(a.out, "\nYour browser opens the report: %s\n", fileURL(report))
	} else {
		fmt.Fprintf(a.out, "\nOpen the report in a browser: %s\n", fileURL(report))
	}
	fmt.Fprintln(a.out, "\nTry next:")
	w := tabwriter.NewWriter(a.out, 0, 0, 3, ' ', 0)
	for _, next := range first.next(screen.ShellName(run.Dir), run) {
		fmt.Fprintf(w, "  imago %s\t%s\n", next[0], next[1])
	}
	w.Flush() // an error of standard output has appeared before
	if m := commandHint(os.Args[0]); m != "" {
		fmt.Fprintln(a.out, "\n"+m)
	}
}

// commandHint returns a line that explains the word imago in a command line, or "" if imago is on the PATH. The
// program was started as arg0.
func commandHint(arg0 string) string {
	if _, err := exec.LookPath("imago"); err == nil {
		return ""
	}
	if strings.Contains(filepath.ToSlash(arg0), "/go-build") { // by go run
		return "imago means go run ./cmd/imago here; go install ./cmd/imago makes it a command."
	}
	return fmt.Sprintf("imago means %s here, because it is not on your PATH.", screen.ShellName(arg0))
}

// browserPath returns the program that opens a page in the user's browser, "" if there is no screen or no such program.
func browserPath() string {
	out, err := os.Stdout.Stat()
	if err != nil || out.Mode()&os.ModeCharDevice == 0 || os.Getenv("CI") != "" {
		return ""
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return ""
	}
	path, err := exec.LookPath("xdg-open")
	if err != nil {
		return ""
	}
	return path
}
