package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// A long training goes on beside the soak from its start to its end. What it has in use must stay the same.
type long struct {
	*process
	run     string
	started time.Time
	looks   []look
}

// A look is what the long training had in use at one time.
type look struct {
	resident, descriptors, threads int
}

// startLong starts the long training.
func (s *soaker) startLong() (*long, error) {
	dir := s.path("long")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	p, err := start(s.command(dir, "train", "mlp-vae", "--data", "digits", "--epochs", "100000", "--hidden", "64", "--threads", "1", "--name", runName))
	return &long{process: p, run: dir, started: time.Now()}, err
}

// look notes what the training has in use now.
func (l *long) look() {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.cmd.Process.Pid))
	if err != nil {
		return
	}
	l.looks = append(l.looks, look{statusField(status, "VmRSS:"), usageOf(l.cmd.Process.Pid).descriptors, statusField(status, "Threads:")})
}

// stop ends the training and reports whether what it had in use grew: the middle of the last third of the looks is
// compared with that of the second.
func (l *long) stop(s *soaker) error {
	select {
	case <-l.done:
		return fmt.Errorf("the long training ended by itself: %v", l.process)
	default:
	}
	l.cmd.Process.Signal(syscall.SIGTERM)
	<-l.done
	newest, err := newestCheckpoint(l.run + "/runs/" + runName)
	if err != nil {
		return err
	}
	n := len(l.looks)
	if n < 6 {
		s.log("a training of %s to %s: too short to say whether its memory is flat", time.Since(l.started).Round(time.Second), newest)
		return nil
	}
	a, b := middle(l.looks[n/3:2*n/3]), middle(l.looks[2*n/3:])
	s.log("a training of %s to %s, in %d looks: %d, then %d KiB of memory (at most %d), %d, then %d descriptors, %d, then %d threads", time.Since(l.started).Round(time.Second), newest, n,
		a.resident, b.resident, l.most.resident, a.descriptors, b.descriptors, a.threads, b.threads)
	if float64(b.resident) > 1.1*float64(a.resident)+8192 || b.descriptors > a.descriptors+4 || b.threads > a.threads+4 {
		return fmt.Errorf("the long training grows: %v", l.looks)
	}
	return nil
}

// middle returns the medians of some looks.
func middle(looks []look) look {
	median := func(field func(look) int) int {
		var all []int
		for _, l := range looks {
			all = append(all, field(l))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return look{
		median(func(l look) int { return l.resident }), median(func(l look) int { return l.descriptors }), median(func(l look) int { return l.threads }),
	}
}

// reference trains the same model whenever it is called, and returns what that had in use.
func (s *soaker) reference(name string) (usage, error) {
	dir := s.path(name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return usage{}, err
	}
	j := job{"mlp-vae", "photos", []string{"--epochs", strconv.Itoa(10)}}
	p, err := s.run(dir, j.train(s.workplace, dir, 1)...)
	if err == nil && p.status() != 0 {
		err = fmt.Errorf("%v", p)
	}
	if err != nil {
		return usage{}, err
	}
	return p.most, os.RemoveAll(dir)
}
