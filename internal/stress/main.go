// Command stress treats the program imago as bad machines do: it kills trainings, lets calls of the operating system
// fail, damages files, and compares what comes out with what an undisturbed training gives.
//
//	go run ./internal/stress soak -minutes 60
//	go run ./internal/stress soak -kills 1000
//	go run ./internal/stress faults -every 1
//	go run ./internal/stress hostile
//
// soak trains random models for so long, and runs other commands on them; with -kills it trains tiny ones until so many
// processes were killed, one or more a second. faults stops a short training at its calls of
// the operating system, one by one. hostile gives the program files of strangers: links that
// lead out, bombs, claims of headers, names for a terminal, newer formats. All print what they did, and end with status 1 if something came out wrong. It needs Linux.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "stress:", err)
		os.Exit(1)
	}
}

// run runs the command that the arguments name.
func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want soak, faults or hostile")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	seed := flags.Uint64("seed", uint64(time.Now().UnixNano()), "seed of all that is random, but for when a process is at which step")
	switch args[0] {
	case "soak":
		minutes := flags.Float64("minutes", 60, "how long")
		round := flags.Int("round", 0, "run this round only, as one that failed (default all)")
		count := flags.Int("kills", 0, "in place of it: kill and resume trainings of tiny models until so many were killed")
		flags.Parse(args[1:])
		w, err := newWorkplace()
		if err != nil {
			return err
		}
		if *count > 0 {
			return kills(w, *seed, *count)
		}
		return soak(w, *seed, time.Duration(*minutes*float64(time.Minute)), *round)
	case "faults":
		every := flags.Int("every", 1, "try each nth call only")
		only := flags.Int("call", 0, "try the call of this number only, as one that failed (default all)")
		scenario := flags.String("scenario", "", `try those only whose line begins so, as "dense-gan, trained" (default all)`)
		flags.Parse(args[1:])
		w, err := newWorkplace()
		if err != nil {
			return err
		}
		return faults(w, *every, *only, *scenario)
	case "hostile":
		only := flags.String("only", "", "make the attacks only whose name matches the `pattern`, as \"bomb\" (default all)")
		within := flags.Duration("within", 10*time.Second, "longest time that an answer may take; more on a busy machine")
		flags.Parse(args[1:])
		w, err := newWorkplace()
		if err != nil {
			return err
		}
		return hostile(w, *only, *within)
	}
	return fmt.Errorf("%q: want soak, faults or hostile", args[0])
}

// A workplace is a temporary folder with the program imago in it, and its cache.
type workplace struct {
	dir string
	bin string
}

// newWorkplace makes the folder and builds the program.
func newWorkplace() (*workplace, error) {
	dir, err := os.MkdirTemp("", "imago-stress-")
	if err != nil {
		return nil, err
	}
	w := &workplace{dir, filepath.Join(dir, "imago")}
	build := exec.Command("go", "build", "-o", w.bin, "./cmd/imago")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return w, nil
}

// path returns the path of a file of the workplace.
func (w *workplace) path(name string) string { return filepath.Join(w.dir, name) }

// command returns a call of the program, in a folder of the workplace. Its cache is the workplace's own.
func (w *workplace) command(dir string, args ...string) *exec.Cmd {
	c := exec.Command(w.bin, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+w.path("cache"))
	return c
}
