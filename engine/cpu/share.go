package cpu

import (
	"runtime"
	"time"
)

// A share is how many workers run a program. All do, until they have to wait for one another: then another program uses
// their processors, and a level ends as late as the worker that the system runs last. With one worker fewer the others
// have a processor each. Which is faster depends on the length of the levels, so it is tried and measured. The results
// do not depend on it: tasks are the same, whoever runs them.
type share struct {
	fewer   int // workers that do not take part
	trial   int // the present runs are a trial with so many workers fewer than before, or -1: one more; 0 is none
	before  time.Duration
	retry   time.Time // when the next trial may begin
	backoff time.Duration

	runs, slept int // of the present window
	total       time.Duration
}

const (
	shareRuns  = 8                      // least number of runs whose mean is compared with that of others
	shareTime  = 200 * time.Millisecond // least time of them: a burst of work of another program must not decide
	shareGain  = 0.85                   // part of the time before that fewer workers must come to: machines are noisy
	shareRetry = 500 * time.Millisecond
	shareLong  = 30 * time.Second // most time between two trials
)

// workers returns how many of the workers run the program next.
func (s *share) workers(all int) int { return max(1, all-s.fewer) }

// ran notes a run, which took so long and in which worker 0 slept or not.
func (s *share) ran(now time.Time, took time.Duration, slept bool, all int) {
	s.runs++
	s.total += took
	if slept {
		s.slept++
	}
	if s.runs < shareRuns || s.total < shareTime {
		return
	}
	mean, waits := s.total/time.Duration(s.runs), 4*s.slept >= s.runs
	s.runs, s.slept, s.total = 0, 0, 0
	if s.trial != 0 {
		most := s.before
		if s.trial > 0 {
			most = time.Duration(shareGain * float64(most))
		}
		if mean > most { // back, and not again for longer
			s.fewer -= s.trial
			s.backoff = min(max(2*s.backoff, shareRetry), shareLong)
		} else {
			s.backoff = shareRetry
		}
		s.trial = 0
		s.retry = now.Add(s.backoff)
		return
	}
	if now.Before(s.retry) {
		return
	}
	switch {
	case waits && s.workers(all) > 1:
		s.trial = max(1, s.workers(all)-runtime.GOMAXPROCS(0))
	case s.fewer > 0:
		s.trial = -1
	default:
		return
	}
	s.fewer += s.trial
	s.before = mean
}
