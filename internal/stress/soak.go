package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// signals are those that trainings are disturbed by. Half of the time it is the one that no process can heed.
var signals = []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT}

// patience is how long a process may take to save and end after a signal, and any command to do its work, on a machine
// that does other work as well.
const patience = 15 * time.Minute

// counts are what the soak did.
type counts struct {
	rounds, trainings, kills, resumes, commands, damages, refused, warned, equal, differences int
}

// A soaker is the state of the soak.
type soaker struct {
	*workplace
	counts
	log func(format string, args ...any)
}

// newSoaker makes the data of the workplace.
func newSoaker(w *workplace, seed uint64) (*soaker, error) {
	s := &soaker{workplace: w}
	s.log = func(format string, args ...any) {
		fmt.Printf("%s %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
	}
	s.log("seed %d, in %s", seed, w.dir)
	return s, makeData(w, rand.New(rand.NewPCG(seed, 0)))
}

// soak trains random jobs until the time is over, or one round only. It returns an error if anything differed.
func soak(w *workplace, seed uint64, length time.Duration, only int) error {
	s, err := newSoaker(w, seed)
	if err != nil {
		return err
	}
	if only > 0 {
		return s.round(seed, only)
	}
	long, err := s.startLong()
	if err != nil {
		return err
	}
	defer long.cmd.Process.Kill() // it has ended by then, unless there is an error
	first, err := s.reference("first")
	if err != nil {
		return err
	}
	for end := time.Now().Add(length); time.Now().Before(end); {
		s.rounds++
		if err := s.round(seed, s.rounds); err != nil {
			s.differences++
			s.log("round %d DIFFERS: %v\n  kept: %s\n  again: go run ./internal/stress soak -seed %d -round %d", s.rounds, err, s.folder(s.rounds), seed, s.rounds)
		} else if err := os.RemoveAll(s.folder(s.rounds)); err != nil {
			return err
		}
		long.look()
	}
	last, err := s.reference("last")
	if err != nil {
		return err
	}
	longErr := long.stop(s)
	s.log("%d rounds: %d trainings, %d kills, %d resumes; %d other commands compared; %d damages: %d refused, %d warned, %d harmless; %d differences",
		s.rounds, s.trainings, s.kills, s.resumes, s.commands, s.damages, s.refused, s.warned, s.equal, s.differences)
	s.log("the same training at the start and at the end: %d and %d KiB of memory, %d and %d descriptors", first.resident, last.resident, first.descriptors, last.descriptors)
	if out, err := exec.Command("df", "-Pk", w.dir).Output(); err == nil {
		s.log("disk: %s", strings.Join(strings.Fields(string(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:])), " "))
	}
	if longErr != nil {
		return longErr
	}
	if s.differences > 0 {
		return fmt.Errorf("%d rounds differed; they are kept in %s", s.differences, w.dir)
	}
	return os.RemoveAll(w.dir)
}

// folder returns the folder of a round.
func (s *soaker) folder(n int) string { return s.path(fmt.Sprintf("round-%04d", n)) }

// round trains a job twice, undisturbed and disturbed, and compares the results and what other commands make of them.
// Then it damages copies.
func (s *soaker) round(seed uint64, n int) error {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	j := randomJob(r)
	whole, killed := filepath.Join(s.folder(n), "whole"), filepath.Join(s.folder(n), "killed")
	for _, dir := range []string{whole, killed} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	before := s.counts
	p, took, want, err := s.undisturbed(j, whole, 1+r.IntN(2))
	if err != nil {
		return fmt.Errorf("%v: %w", j, err)
	}
	d := disturbance{signals: signals, kills: 3 + r.IntN(6)}
	d.damageAt = r.IntN(d.kills)
	if err := s.disturbed(j, killed, took, want, d, r); err != nil {
		return fmt.Errorf("%v: %w", j, err)
	}
	if err := s.sameOutputs(whole, killed); err != nil {
		return fmt.Errorf("%v: %w", j, err)
	}
	for range 4 {
		if err := s.damaged(whole, r); err != nil {
			return fmt.Errorf("%v: %w", j, err)
		}
	}
	c := s.counts
	s.log("round %d: %s on %s in %.1f s, %d kills, %d resumes, %d outputs, damage: %d refused, %d warned, %d harmless; weights %s, %d KiB, %d descriptors", n, j.recipe, j.data, took.Seconds(),
		c.kills-before.kills, c.resumes-before.resumes, c.commands-before.commands, c.refused-before.refused, c.warned-before.warned, c.equal-before.equal,
		short(want), p.most.resident, p.most.descriptors)
	return nil
}

// undisturbed trains a job to its end, and returns how long it took and what it came to.
func (s *soaker) undisturbed(j job, dir string, threads int) (p *process, took time.Duration, want result, err error) {
	started := time.Now()
	if p, err = s.run(dir, j.train(s.workplace, dir, threads)...); err == nil && p.status() != 0 {
		err = fmt.Errorf("%v", p)
	}
	if err != nil {
		return nil, 0, nil, err
	}
	took = time.Since(started)
	want, err = resultOf(filepath.Join(dir, "runs", runName))
	return p, took, want, err
}

// short returns the digest of the weights of a result.
func short(r result) string {
	for name, digest := range r {
		if strings.HasSuffix(name, "weights.safetensors") {
			return digest
		}
	}
	return "none"
}

// A disturbance is what is done to a training.
type disturbance struct {
	signals  []syscall.Signal // one of them at a time
	kills    int              // so many processes are disturbed
	damageAt int              // the one after which a copy is damaged; −1 = none
}

// disturbed trains a job, which takes so long, under signals at random moments until it is done, and compares its result.
// Once in between a copy of the unfinished run may be damaged and trained on, too.
func (s *soaker) disturbed(j job, dir string, took time.Duration, want result, d disturbance, r *rand.Rand) error {
	run := filepath.Join(dir, "runs", runName)
	for k := 0; ; k++ {
		args := j.train(s.workplace, dir, 1+r.IntN(2))
		if args[1] == "--resume" {
			s.resumes++
		}
		p, err := start(s.command(dir, args...))
		if err != nil {
			return err
		}
		s.trainings++
		sig := d.signals[r.IntN(len(d.signals))]
		wait := time.Duration(r.Float64() * float64(took) / 2)
		if k < d.kills {
			select {
			case <-time.After(wait):
				if p.cmd.Process.Signal(sig) == nil { // else it has ended by now
					s.kills++
				}
			case <-p.done:
			}
		}
		select {
		case <-p.done:
		case <-time.After(patience):
			p.cmd.Process.Kill()
			<-p.done
			return fmt.Errorf("it does not end, with %v after %v: %v", sig, wait, p)
		}
		switch {
		case p.panicked():
			return fmt.Errorf("it panicked: %v", p)
		case p.status() == 0 && k >= d.kills:
			got, err := resultOf(run)
			if err != nil {
				return err
			}
			if differ := differences(want, got); len(differ) > 0 {
				return fmt.Errorf("%d kills gave another %v: want %v, got %v", d.kills, differ, want, got)
			}
			return nil
		case k >= d.kills:
			return fmt.Errorf("it cannot go on: %v", p)
		case p.status() > 0 && sig == syscall.SIGKILL:
			return fmt.Errorf("it failed by itself: %v", p)
		}
		if k == d.damageAt && len(checkpoints(run)) > 1 {
			if err := s.damagedUnderWay(j, dir, want, r); err != nil {
				return err
			}
		}
	}
}

// run runs a command to its end. It is an error if it takes too long or panics.
func (s *soaker) run(dir string, args ...string) (*process, error) {
	p, err := start(s.command(dir, args...))
	if err != nil {
		return nil, err
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.done
		return p, fmt.Errorf("it does not end: %v", p)
	}
	if p.panicked() {
		return p, fmt.Errorf("it panicked: %v", p)
	}
	return p, nil
}

// An output is a command on a run and the file that it writes, "" if only its exit status is compared.
type output struct {
	args []string
	file string
}

// outputs are the commands whose outputs are compared.
var outputs = []output{
	{[]string{"sample", "runs/x", "-n", "9", "--out", "sample.npz"}, "sample.npz"},
	{[]string{"sample", "runs/x", "-n", "9", "--checkpoint", "latest", "--out", "latest.npz"}, "latest.npz"},
	{[]string{"eval", "runs/x", "--only", "loss,test_kl,active", "--out", "eval.json"}, "eval.json"},
	{[]string{"encode", "runs/x", "--out", "codes.csv"}, "codes.csv"},
	{[]string{"anomaly", "runs/x", "--scores", "scores.csv", "--out", "anomaly.png"}, "scores.csv"},
	{[]string{"scatter", "runs/x", "--out", "scatter.png"}, "scatter.png"},
	{[]string{"reconstruct", "runs/x", "--out", "reconstruct.npz"}, "reconstruct.npz"},
	{[]string{"runs"}, ""},
	{[]string{"compare", "runs/x", "runs/x", "--overview", "--out", "compare.html"}, ""},
}

// sameOutputs runs the commands on two equal runs. Their exit statuses and files must be equal.
func (s *soaker) sameOutputs(a, b string) error {
	for _, o := range outputs {
		p, err := s.run(a, o.args...)
		if err != nil {
			return err
		}
		q, err := s.run(b, o.args...)
		if err != nil {
			return err
		}
		s.commands++
		if p.status() != q.status() {
			return fmt.Errorf("other exit statuses:\n%v\n%v", p, q)
		}
		if o.file == "" || p.status() != 0 {
			continue
		}
		ra, rb := result{}, result{}
		if err := errors.Join(ra.add(a, o.file), rb.add(b, o.file)); err != nil {
			return err
		}
		if d := differences(ra, rb); len(d) > 0 {
			return fmt.Errorf("%v: other outputs:\n%v\n%v", o.args, p, q)
		}
	}
	return nil
}
