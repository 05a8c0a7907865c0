package cpu

import (
	"runtime"
	"testing"
	"time"
)

// TestShare drives a share with the times of a simulated machine: how long a run of so many workers takes, and whether they
// wait for one another.
func TestShare(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	now := time.Unix(0, 0)
	drive := func(s *share, all int, seconds float64, run func(workers int) (milliseconds float64, waits bool)) (workers int) {
		for end := now.Add(time.Duration(seconds * 1e9)); now.Before(end); {
			ms, waits := run(s.workers(all))
			took := time.Duration(ms * 1e6)
			now = now.Add(took)
			s.ran(now, took, waits, all)
		}
		return s.workers(all)
	}
	alone := func(w int) (float64, bool) { return 2 / float64(w), false }
	shared := func(w int) (float64, bool) { return []float64{2, 4}[min(w, 2)-1], w > 1 }
	unequal := func(w int) (float64, bool) { return 2 / float64(w), w > 1 } // they wait, and are faster all the same

	var s share
	if w := drive(&s, 2, 60, alone); w != 2 {
		t.Errorf("alone %d workers run, want 2", w)
	}
	if w := drive(&s, 2, 5, shared); w != 1 {
		t.Errorf("beside another program, where one is faster, %d workers run", w)
	}
	if w := drive(&s, 2, shareLong.Seconds()+5, alone); w != 2 {
		t.Errorf("alone again, %d workers run, want 2", w)
	}
	runs, fewer := 0, 0
	drive(&s, 2, 600, func(w int) (float64, bool) {
		runs++
		if w < 2 {
			fewer++
		}
		return unequal(w)
	})
	if fewer == 0 || fewer > runs/50 {
		t.Errorf("of %d runs whose workers wait, and that fewer would slow down, %d were with fewer", runs, fewer)
	}
	s = share{}
	if w := drive(&s, 2*procs, 5, func(w int) (float64, bool) { return 1 + 4*float64(max(0, w-procs)), w > procs }); w != procs {
		t.Errorf("with twice as many threads as processors %d workers run, want %d", w, procs)
	}
}
