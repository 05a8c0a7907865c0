package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/train/runlog"
)

// quickstart trains a first model on digits that imago draws itself.
func (a *app) quickstart() *cobra.Command {
	var t trainFlags
	c := &cobra.Command{
		Use:   "quickstart",
		Short: "Train a first model, with nothing to download",
		Long: `quickstart draws 70,000 handwritten digits, trains the convolutional variational autoencoder on them for a few epochs
(cnn-vae with --loss bce), and leaves a run with pictures and a report: where it puts the digits, the digits it can draw,
and how it learned. It takes about two minutes on two processors.`,
		Example: "  imago quickstart",
		Args:    argCount(0, 0, "no argument"),
	}
	f := c.Flags()
	f.IntVar(&t.epochs, "epochs", 4, "`number` of times each image is used")
	f.StringVar(&t.out, "out", runsDir, "`folder` to make the run in")
	f.Uint64Var(&t.seed, "seed", 1, "`seed` of all randomness")
	threadsFlag(c, &t.threads)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := atLeast("threads", t.threads, 0); err != nil {
			return usage(c, err)
		}
		if err := atLeast("epochs", t.epochs, 1); err != nil {
			return usage(c, err)
		}
		rec, cfg, err := a.configure(quickRecipe, quickOptions())
		if err != nil {
			return err
		}
		opt := data.Options{Progress: a.err}
		set, err := a.Data.Open(c.Context(), quickData, opt)
		if err != nil {
			return err
		}
		config, err := runlog.NewConfig(rec, cfg, set, quickData, opt)
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
		a.printNextSteps(run)
		return nil
	}
	return c
}

// What quickstart trains, on what.
const (
	quickRecipe = "cnn-vae"
	quickData   = "digits"
)

// quickOptions returns --loss bce: within a few epochs it shows more than the published mse, whose second latent unit then has
// hardly woken.
func quickOptions() *modelFlags {
	return &modelFlags{[]*optionFlag{{name: "loss", kind: "string", value: "bce", set: true}}}
}

// printNextSteps opens the report where there is somebody to see it, and names commands to try.
func (a *app) printNextSteps(run *runlog.Run) {
	report := run.Path(runlog.ReportFile)
	if abs, err := filepath.Abs(report); err == nil {
		report = abs
	}
	if open := browserPath(); open != "" && exec.Command(open, report).Start() == nil {
		fmt.Fprintf(a.out, "\nYour browser opens the report: file://%s\n", filepath.ToSlash(report))
	} else {
		fmt.Fprintf(a.out, "\nOpen the report in a browser: file://%s\n", filepath.ToSlash(report))
	}
	fmt.Fprintln(a.out, "\nTry next:")
	w := tabwriter.NewWriter(a.out, 0, 0, 3, ' ', 0)
	for _, next := range [][2]string{
		{"manifold " + run.Dir + " --n 20 --lo -3 --hi 3", "the digits between the digits"},
		{"reconstruct " + run.Dir + " my-digit.jpg --invert", "a digit you wrote yourself"},
		{fmt.Sprintf("train --resume %s --epochs %d", run.Dir, 3*run.Config.Epochs), "the same run, further"},
		{"train cnn-vae --data mnist", "digits written by people"},
	} {
		fmt.Fprintf(w, "  imago %s\t%s\n", next[0], next[1])
	}
	w.Flush() // what is wrong with standard output has shown before
	if m := commandHint(os.Args[0]); m != "" {
		fmt.Fprintln(a.out, "\n"+m)
	}
}

// commandHint says what imago stands for in a command line, if the shell does not know it: the program was started as arg0.
func commandHint(arg0 string) string {
	if _, err := exec.LookPath("imago"); err == nil {
		return ""
	}
	if strings.Contains(filepath.ToSlash(arg0), "/go-build") { // by go run
		return "imago stands for go run ./cmd/imago here; go install ./cmd/imago makes it a command."
	}
	return fmt.Sprintf("imago stands for %s here, as it is not on your PATH.", arg0)
}

// browserPath returns the program that shows a page to the person at the screen, "" if there is nobody or it is not evident.
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
