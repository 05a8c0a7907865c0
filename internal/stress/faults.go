//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// errnos are the errors that calls are let fail with, in turn.
var errnos = []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EMFILE, syscall.EACCES}

// A scenario is a command in a copy of a folder, and what it must leave.
type scenario struct {
	name string
	from string   // folder to copy, "" for an empty one
	args []string // of the command that is disturbed
	// check returns an error unless the folder is right, after the command ended with that status and output.
	check func(dir string, status int, output string) error
}

// tally is what the trials of a scenario came to.
type tally struct {
	calls, kills, errors, refused, reached int
	bad                                    []string
}

// faults runs trainings and commands on their runs again and again. Each time, one call of the process that concerns a
// file of the workplace fails, or the process is killed before it. The calls of all threads are counted together, so that
// n from 1 to their number tries each place in their sequence. Of each scenario every nth call is tried, or only one, once
// with a kill and once with an error; the errors take turns. Which call is the nth may differ a little between processes,
// as threads do; one whose number no process came to is told. Calls on other files, as those of the system and standard
// output, are not tried. Scenarios whose line does not begin with the text of scenario are left out.
//
// Whatever the call: a training that is then resumed ends with the files of an undisturbed one, byte for byte but for
// what depends on the clock, so that no checkpoint that would be kept is lost, and a checkpoint that was whole at the time
// of an error is whole after it, or a newer one is. Another command refuses, warns, or gives the output of an undisturbed
// one, and leaves the files of the run as they were.
func faults(w *workplace, every, only int, scenario string) error {
	if err := writeIDX(w.path("shapes-idx3-ubyte"), 200); err != nil {
		return err
	}
	vae := job{"mlp-vae", "shapes-idx3-ubyte", []string{"--epochs", "3", "--hidden", "16", "--batch", "64", "--keep", "2", "--checkpoint-every", "0", "--pictures-every", "-1"}}
	gan := job{"dense-gan", "shapes-idx3-ubyte", []string{"--steps", "60", "--log-steps", "20", "--hidden", "16", "--batch", "64", "--keep", "2", "--checkpoint-every", "0", "--pictures-every", "-1"}}
	failed, tried := 0, 0
	for _, j := range []job{vae, gan} {
		scenarios, err := scenariosOf(w, j)
		if err != nil {
			return err
		}
		for _, s := range scenarios {
			if !strings.HasPrefix(j.recipe+", "+s.name, scenario) {
				continue
			}
			tried++
			t, err := w.try(s, every, only)
			if err != nil {
				return err
			}
			fmt.Printf("%s, %s: %d calls on files, %d kills, %d errors: %d refused, %d not reached, %d different\n", j.recipe, s.name, t.calls, t.kills, t.errors, t.refused, t.kills+t.errors-t.reached, len(t.bad))
			for _, bad := range t.bad {
				fmt.Println("  DIFFERENT:", bad)
			}
			failed += len(t.bad)
		}
	}
	if tried == 0 {
		return fmt.Errorf("-scenario %q: no line begins so", scenario)
	}
	if failed > 0 {
		return fmt.Errorf("%d trials differ; %s is kept", failed, w.dir)
	}
	return os.RemoveAll(w.dir)
}

// scenariosOf returns the scenarios of a job: it is trained from nothing, it is resumed halfway, and commands are run on
// what it left.
func scenariosOf(w *workplace, j job) ([]scenario, error) {
	whole, half, empty := w.path(j.recipe+"-whole"), w.path(j.recipe+"-half"), w.path("empty")
	for _, dir := range []string{whole, half, empty} {
		if err := os.MkdirAll(filepath.Join(dir, "runs"), 0o777); err != nil {
			return nil, err
		}
	}
	calls, status, output, err := w.trace(whole, j.train(w, whole, 1), 0, 0, nil)
	if err != nil || status != 0 {
		return nil, fmt.Errorf("%v: status %d, %w\n%s", j, status, err, output)
	}
	if _, _, _, err := w.trace(half, j.train(w, half, 1), len(calls)*2/3, 0, func() {}); err != nil {
		return nil, err
	}
	want, err := treeOf(filepath.Join(whole, "runs"))
	if err != nil {
		return nil, err
	}
	trained := func(dir string, status int, output string) error {
		p, err := call(w.command(dir, j.train(w, dir, 1)...))
		if err != nil {
			return err
		}
		if p.status() != 0 {
			return fmt.Errorf("it cannot go on: %v", p)
		}
		got, err := treeOf(filepath.Join(dir, "runs"))
		if err != nil {
			return err
		}
		if d := differences(want, got); len(d) > 0 {
			return fmt.Errorf("trained on, other files: %v; it ended with %d\n%s\nand then %v", d, status, output, p)
		}
		return nil
	}
	all := []scenario{
		{"trained from nothing", empty, j.train(w, empty, 1), trained},
		{"resumed halfway", half, j.train(w, half, 1), trained},
	}
	for _, o := range outputs {
		p, err := call(w.command(whole, o.args...))
		if err != nil {
			return nil, err
		}
		if p.status() != 0 {
			continue // the model has no such output
		}
		wantOut := result{}
		if o.file != "" {
			if err := wantOut.add(whole, o.file); err != nil {
				return nil, err
			}
		}
		all = append(all, scenario{o.args[0], whole, o.args, func(dir string, status int, output string) error {
			got, err := treeOf(filepath.Join(dir, "runs"))
			if err != nil {
				return err
			}
			if d := differences(want, got); len(d) > 0 {
				return fmt.Errorf("it changed %v of the run; status %d\n%s", d, status, output)
			}
			if status != 0 || o.file == "" || strings.Contains(output, "warning") {
				return nil
			}
			gotOut := result{}
			if err := gotOut.add(dir, o.file); err != nil {
				return err
			}
			if len(differences(wantOut, gotOut)) > 0 {
				return fmt.Errorf("another output without a word:\n%s", output)
			}
			return nil
		}})
	}
	return all, nil
}

// try runs the trials of a scenario, on all processors.
func (w *workplace) try(s scenario, every, only int) (tally, error) {
	dir := filepath.Join(w.dir, "trial")
	if err := copyRun(s.from, dir); err != nil {
		return tally{}, err
	}
	calls, status, output, err := w.trace(dir, s.args, 0, 0, nil)
	if err == nil {
		err = s.check(dir, status, output)
	}
	if err != nil {
		return tally{}, fmt.Errorf("%s, undisturbed: %w", s.name, err)
	}
	t := tally{calls: len(calls)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	numbers := make(chan int)
	for range runtime.NumCPU() {
		wg.Go(func() {
			for n := range numbers {
				for _, errno := range []syscall.Errno{0, errnos[n%len(errnos)]} {
					dir := w.path(fmt.Sprintf("trial-%d-%d", n, errno))
					status, reached, err := w.trial(s, dir, n, errno)
					mu.Lock()
					if errno == 0 {
						t.kills++
					} else {
						t.errors++
						if status > 0 {
							t.refused++
						}
					}
					if reached {
						t.reached++
					}
					if err != nil {
						t.bad = append(t.bad, fmt.Sprintf("%s, call %d of %d: %v", s.name, n, len(calls), err))
					}
					mu.Unlock()
				}
			}
		})
	}
	for n := 1; n <= len(calls); n++ {
		if n == only || only == 0 && n%every == every/2 {
			numbers <- n
		}
	}
	close(numbers)
	wg.Wait()
	return t, nil
}

// trial runs a scenario in a new folder and disturbs call number n. The folder is kept if the outcome is wrong.
func (w *workplace) trial(s scenario, dir string, n int, errno syscall.Errno) (status int, reached bool, err error) {
	if err := copyRun(s.from, dir); err != nil {
		return 0, false, err
	}
	var before []string
	calls, status, output, err := w.trace(dir, s.args, n, errno, func() { before = w.wholeCheckpoints(dir) })
	what := "none"
	if reached = len(calls) >= n; reached {
		what = calls[n-1]
	}
	if errno == 0 {
		what += ", killed"
	} else {
		what += ", " + errno.Error()
	}
	switch after := w.wholeCheckpoints(dir); {
	case err != nil:
	case status > 0 && strings.TrimSpace(output) == "":
		err = errors.New("it fails without a word")
	case strings.Contains(output, "\ngoroutine "):
		err = fmt.Errorf("it panicked: %s", output)
	case len(before) > 0 && (len(after) == 0 || after[len(after)-1] < before[len(before)-1]):
		err = fmt.Errorf("of the checkpoints %v there are %v after it", before, after)
	default:
		err = s.check(dir, status, output)
	}
	if err != nil {
		return status, reached, fmt.Errorf("%s: %w", what, err)
	}
	return status, reached, os.RemoveAll(dir)
}

// wholeCheckpoints returns the names of the checkpoints of the run in a folder that have all their files. A checkpoint
// gets its name when they are all there.
func (w *workplace) wholeCheckpoints(dir string) []string {
	run := filepath.Join(dir, "runs", runName)
	return slices.DeleteFunc(checkpoints(run), func(name string) bool {
		return (result{}).add(run, filepath.Join("checkpoints", name, "state.json")) != nil || (result{}).add(run, filepath.Join("checkpoints", name, "weights.safetensors")) != nil
	})
}

// trace runs the program in a folder under traced. It returns the calls, the status and the output.
func (w *workplace) trace(dir string, args []string, at int, errno syscall.Errno, before func()) (calls []string, status int, output string, err error) {
	out, err := os.CreateTemp(os.TempDir(), "imago-stress-output-") // outside of the workplace: its calls are not counted
	if err != nil {
		return nil, 0, "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	c := w.command(dir, args...)
	calls, status, err = traced(w.dir, dir, c.Args, out, append(c.Env, "GOMAXPROCS=1"), at, errno, before)
	b, e := os.ReadFile(out.Name())
	return calls, status, string(b), errors.Join(err, e)
}

// treeOf returns the SHA-256 of all files below a folder by name. Of files that depend on the clock it has the name, and
// of event files, whose names do too, nothing.
func treeOf(dir string) (result, error) {
	r := result{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		switch base := filepath.Base(rel); {
		case strings.Contains(rel, "/events/"), base == ".lock":
		case base == "report.html", base == "processes.json", base == "run.json", strings.Contains(rel, "curves"):
			r[rel] = "there"
		default:
			return r.add(dir, rel)
		}
		return nil
	})
	return r, err
}

// writeIDX writes an IDX file of so many pictures of shapes.
func writeIDX(name string, n int) error {
	b := []byte{0, 0, 8, 3, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 0, 0, side, 0, 0, 0, side}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		b = append(b, drawShape(r, i%2 == 0).Pix...)
	}
	return os.WriteFile(name, b, 0o666)
}
