//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// The limits of each attack: what imago is told to use, and the most that it may then have resident, in KiB.
const (
	hostileBudget   = "256MB"
	hostileResident = 256_000_000 * 6 / 5 / 1024
)

// An attack is a call of imago on files of a stranger, in a folder of its own that also has a whole run.
type attack struct {
	name string
	make func(dir string) error // makes the files in the folder
	args []string
	// say is what the output must match.
	say string
	// passes says that the call ends well: the files are strange, but can be used.
	passes bool
	// keeps says that nothing in the run may change.
	keeps bool
}

// hostile tries all attacks. After each, nothing outside the folder has changed, the output has no control character
// and no trace of a panic, the memory was kept to, and the answer came within so long.
func hostile(w *workplace, only string, within time.Duration) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	whole := w.path("whole")
	if err := wholeRun(w, whole); err != nil {
		return err
	}
	tried, wrong := 0, 0
	var slowest time.Duration
	largest := 0
	for i, a := range attacks() {
		if !pattern.MatchString(a.name) {
			continue
		}
		tried++
		faults, p, took, err := w.attacked(a, within, whole, w.path(fmt.Sprintf("attack-%03d", i)))
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		slowest, largest = max(slowest, took), max(largest, p.most.resident)
		fmt.Printf("%-64s status %2d  %5.2f s  %4d MiB\n", a.name, p.status(), took.Seconds(), p.most.resident>>10)
		for _, f := range faults {
			fmt.Printf("    WRONG: %s\n", f)
		}
		if len(faults) > 0 {
			fmt.Printf("    %.2000q\n", p)
			wrong++
		}
	}
	if tried == 0 {
		return fmt.Errorf("-only %q: no attack has that in its name", only)
	}
	fmt.Printf("%d attacks, %d wrong; the slowest took %.2f s, the largest %d MiB of %d allowed\n", tried, wrong, slowest.Seconds(), largest>>10, hostileResident>>10)
	if wrong > 0 {
		return fmt.Errorf("%d attacks came to something wrong", wrong)
	}
	return os.RemoveAll(w.dir)
}

// wholeRun trains the run that attacks change.
func wholeRun(w *workplace, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := makeData(w, newRand(1)); err != nil {
		return err
	}
	p, err := call(w.command(dir, "train", "mlp-vae", "--data", w.path("photos"), "--hidden", "16", "--epochs", "2", "--name", runName))
	if err == nil && p.status() != 0 {
		err = fmt.Errorf("%v", p)
	}
	return err
}

// withBudget returns the arguments of the call. A list of runs takes no budget.
func (a attack) withBudget() []string {
	if a.args[0] == "runs" {
		return a.args
	}
	return append(slices.Clone(a.args), "--memory", hostileBudget)
}

// attacked makes an attack in a new folder and returns what is wrong with what came of it.
func (w *workplace) attacked(a attack, within time.Duration, whole, dir string) (faults []string, p *process, took time.Duration, err error) {
	home := filepath.Join(dir, "home")
	if err := copyRun(whole, home); err != nil {
		return nil, nil, 0, err
	}
	outside := filepath.Join(dir, "outside")
	for _, name := range []string{"secret.txt", "secret.png", "folder/secret.txt"} {
		if err := writeFile(filepath.Join(outside, name), []byte("a secret")); err != nil {
			return nil, nil, 0, err
		}
	}
	if err := os.Chdir(home); err != nil { // so that an attack names its files as imago will
		return nil, nil, 0, err
	}
	if err := a.make(home); err != nil {
		return nil, nil, 0, err
	}
	before, err := stateOf(outside)
	if err != nil {
		return nil, nil, 0, err
	}
	run, err := stateOf(filepath.Join(home, "runs"))
	if err != nil {
		return nil, nil, 0, err
	}
	began := time.Now()
	p, err = start(w.command(home, a.withBudget()...))
	if err != nil {
		return nil, nil, 0, err
	}
	select {
	case <-p.done:
	case <-time.After(3 * within):
		p.cmd.Process.Kill()
		<-p.done
	}
	took = time.Since(began)
	wrong := func(format string, v ...any) { faults = append(faults, fmt.Sprintf(format, v...)) }
	if took > within {
		wrong("an answer took %.1f s", took.Seconds())
	}
	if p.most.resident > hostileResident {
		wrong("%d MiB were resident", p.most.resident>>10)
	}
	if p.panicked() {
		wrong("it panicked")
	}
	if s := p.status(); (s == 0) != a.passes || s < 0 {
		wrong("status %d", s)
	}
	if !regexp.MustCompile(a.say).Match(p.out.Bytes()) {
		wrong("the output does not match %q", a.say)
	}
	if i := bytes.IndexFunc(p.out.Bytes(), isControl); i >= 0 {
		wrong("the output has the control character %q", p.out.Bytes()[i])
	}
	after, err := stateOf(outside)
	if err != nil {
		return nil, nil, 0, err
	}
	if before != after {
		wrong("files outside changed")
	}
	if left, err := stateOf(filepath.Join(home, "runs")); a.keeps && (err != nil || left != run) {
		wrong("the run changed: %v", err)
	}
	if len(faults) > 0 {
		return faults, p, took, nil // the folder stays, to look at
	}
	if err := os.Chdir(w.dir); err != nil {
		return nil, nil, 0, err
	}
	return nil, p, took, os.RemoveAll(dir)
}

// isControl reports whether a terminal may take a character for a command. A progress bar may go back in its line.
func isControl(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// A tree is what can be seen of a folder from outside: the digest of all names, kinds, modes, sizes, times and bytes.
type tree [sha256.Size]byte

// stateOf reads a folder. Links are not followed. Locks, which are made by looking at a run, are left out.
func stateOf(dir string) (tree, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".lock" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q %v %d %v\n", name, info.Mode(), info.Size(), info.ModTime().UnixNano())
		if !info.Mode().IsRegular() || info.Size() > 1<<30 { // a file with a hole
			return nil
		}
		b, err := os.ReadFile(name)
		h.Write(b)
		return err
	})
	return tree(h.Sum(nil)), err
}

// writeFile writes a file and makes its folders.
func writeFile(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o666)
}
