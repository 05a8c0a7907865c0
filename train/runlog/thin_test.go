package runlog

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestThinned checks which lines a picture gets, and that it says what is left out.
func TestThinned(t *testing.T) {
	const most, n = 8, 1000
	var b strings.Builder
	for i := 1; i <= n; i++ {
		switch {
		case i%100 == 0:
			fmt.Fprintf(&b, `{"kind":"epoch","epoch":%d,"step":%d}`+"\n", i/100, i)
		case i == 555:
			fmt.Fprintf(&b, `{"kind":"interval","step":%d,"warnings":[{"metric":"kl"}]}`+"\n", i)
		case i%10 == 3:
			fmt.Fprintf(&b, `{"step":%d,"kind":"interval"}`+"\n", i) // not as imago writes it
		case i < 18:
			fmt.Fprintf(&b, `{"kind":"few","step":%d}`+"\n", i)
		default:
			fmt.Fprintf(&b, `{"kind":"step","step":%d}`+"\n", i)
		}
	}
	r := newRun(t, config("mlp-vae", small(20, 10)))
	if err := os.WriteFile(r.Path(MetricsFile), []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	lines, thinned, err := r.Thinned(most)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(lines, func(a, b Line) int { return int(a.Step - b.Step) }) {
		t.Error("the lines are not in the order of the log")
	}
	steps := map[string][]int64{}
	warned := false
	for _, l := range lines {
		steps[l.Kind] = append(steps[l.Kind], l.Step)
		warned = warned || len(l.Warnings) == 1 && l.Step == 555
	}
	if len(steps[EpochLine]) != 10 || !warned {
		t.Errorf("epochs %v, the warning is kept: %v; want all", steps[EpochLine], warned)
	}
	if got := fmt.Sprint(steps[IntervalLine]); got != "[3 83 163 243 323 403 483 555 563 643 723 803 883 963 993]" {
		t.Errorf("intervals %v, want every 8th, the one with a warning, and the last", got)
	}
	if k := len(steps[StepLine]); k <= most || k > 2*most+1 || steps[StepLine][k-1] != 999 {
		t.Errorf("%d steps, %v, want 9 to 17, the last among them", k, steps[StepLine])
	}
	if got := fmt.Sprint(thinned); got != "map[interval:one in 8 of 100 points step:one in 64 of 874 points]" {
		t.Errorf("left out: %s", got)
	}
	if lines, thinned, err = r.Thinned(n); len(lines) != n || len(thinned) > 0 || err != nil {
		t.Errorf("%d lines, left out %v, %v; want all", len(lines), thinned, err)
	}
}
