package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// quick are trainings of a second or less, with many checkpoints, for many kills in a short time.
var quick = []job{
	{"mlp-vae", "rows.csv", []string{"--epochs", "8", "--hidden", "8", "--latent", "2", "--batch", "32", "--checkpoint-steps", "3", "--keep", "2", "--pictures-every", "-1"}},
	{"dense-gan", "photos", []string{"--steps", "40", "--log-steps", "10", "--hidden", "8", "--batch", "16", "--checkpoint-steps", "4", "--keep", "1", "--pictures-every", "-1"}},
	{"mlp-vae", "photos", []string{"--epochs", "6", "--hidden", "8", "--flip", "--batch", "16", "--checkpoint-steps", "2", "--keep", "3", "--pictures-every", "0"}},
	{"mlp-vae", "rows.csv", []string{"--epochs", "8", "--hidden", "8", "--latent", "2", "--batch", "16", "--validation", "0.2", "--patience", "3", "--checkpoint-steps", "5", "--pictures-every", "-1"}},
	{"vade", "photos", []string{"--epochs", "12", "--hidden", "8", "--batch", "16", "--checkpoint-steps", "3", "--pictures-every", "-1"}},
}

// killsOfRun is how many processes that train one run are killed before one ends it.
const killsOfRun = 8

// kills trains quick jobs again and again and kills them by SIGKILL at random moments, until so many processes were
// killed. Each kill is followed by a resume, and each run that ends is compared with an undisturbed one. A training that
// refuses to go on is a difference.
func kills(w *workplace, seed uint64, count int) error {
	s, err := newSoaker(w, seed)
	if err != nil {
		return err
	}
	type known struct {
		took time.Duration
		want result
	}
	undisturbed := make([]known, len(quick))
	for i, j := range quick {
		dir := s.path(fmt.Sprintf("quick-%d", i))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		_, took, want, err := s.undisturbed(j, dir, 1)
		if err != nil {
			return fmt.Errorf("%v: %w", j, err)
		}
		s.log("%v: %.1f s, weights %s", j, took.Seconds(), short(want))
		undisturbed[i] = known{took, want}
	}
	started := time.Now()
	for s.kills < count {
		s.rounds++
		dir := s.folder(s.rounds)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		i := s.rounds % len(quick)
		d := disturbance{signals: []syscall.Signal{syscall.SIGKILL}, kills: min(killsOfRun, count-s.kills), damageAt: -1}
		err := s.disturbed(quick[i], dir, undisturbed[i].took, undisturbed[i].want, d, rand.New(rand.NewPCG(seed, uint64(s.rounds))))
		if err != nil {
			s.differences++
			s.log("run %d DIFFERS: %v: %v\n  kept: %s", s.rounds, quick[i], err, filepath.Join(dir, "runs", runName))
		} else if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if s.rounds%10 == 0 {
			s.log("%d kills of %d, %d runs, %d differences", s.kills, count, s.rounds, s.differences)
		}
	}
	s.log("%d kills in %s (%.1f a second), %d resumes, %d runs equal to undisturbed ones, %d that differed or refused to go on", s.kills, time.Since(started).Round(time.Second),
		float64(s.kills)/time.Since(started).Seconds(), s.resumes, s.rounds-s.differences, s.differences)
	if s.differences > 0 {
		return fmt.Errorf("%d runs differed; they are kept in %s", s.differences, w.dir)
	}
	return os.RemoveAll(w.dir)
}
