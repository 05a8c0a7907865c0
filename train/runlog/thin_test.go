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
	thin, err := r.Thinned(most)
	if err != nil {
		t.Fatal(err)
	}
	lines := thin.Lines
	if !slices.IsSortedFunc(lines, func(a, b Line) int { return int(a.Step - b.Step) }) {
		t.Error("the lines are not in the order of the log")
	}
	steps := map[string][]int64{}
	warned := false
	for _, l := range lines {
		steps[l.Kind] = append(steps[l.Kind], l.Step)
		warned = warned || len(l.Warnings) == 1 && l.Step == 555
	}
	if len(steps[EpochLine]) != 10 || !warned || thin.Warnings != 0 {
		t.Errorf("epochs %v, the warning is kept: %v; want all", steps[EpochLine], warned)
	}
	if got := fmt.Sprint(steps[IntervalLine]); got != "[3 83 163 243 323 403 483 555 563 643 723 803 883 963 993]" {
		t.Errorf("intervals %v, want every 8th, the one with a warning, and the last", got)
	}
	if k := len(steps[StepLine]); k <= most || k > 2*most+1 || steps[StepLine][k-1] != 999 {
		t.Errorf("%d steps, %v, want 9 to 17, the last among them", k, steps[StepLine])
	}
	if got := fmt.Sprint(thin.Kinds); got != "map[: epoch: interval:one in 8 of 101 points step:one in 64 of 874 points]" {
		t.Errorf("left out: %s", got)
	}
	if thin, err = r.Thinned(n); len(thin.Lines) != n || thin.Kinds[StepLine].String() != "" || err != nil {
		t.Errorf("%d lines, left out %v, %v; want all", len(thin.Lines), thin.Kinds, err)
	}
}

// TestThinnedEpochs checks that of very many epochs those are there that a page tells of, and that what is not is counted:
// epochs and warnings.
func TestThinnedEpochs(t *testing.T) {
	const most, n = 4, 3000
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, `{"kind":"epoch","epoch":%d,"test":{"test_loss":%d},"best":%v,"warnings":[{"metric":"kl"},{"metric":"kl"}]}`+"\n", i, max(i-1235, 1235-i), i%100 == 11)
	}
	r := newRun(t, config("mlp-vae", small(20, 10)))
	if err := os.WriteFile(r.Path(MetricsFile), []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	thin, err := r.Thinned(most)
	if err != nil {
		t.Fatal(err)
	}
	epochs := map[int]bool{}
	for _, l := range thin.Lines {
		epochs[l.Epoch] = true
	}
	for _, want := range []int{1, 2 * most, 1235, 2911, n} { // the first, one with a warning, the lowest, the best, the last
		if !epochs[want] {
			t.Errorf("epoch %d is left out", want)
		}
	}
	if k := len(thin.Lines); k < 3*most || k > 4*most+4 || thin.Warnings != 2*(n-k) {
		t.Errorf("%d lines without %d warnings", k, thin.Warnings)
	}
	if got, want := thin.Kinds[EpochLine], (Share{512, n}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	best, err := r.Thinned(1)
	if l := BestEpoch(best.Lines); err != nil || l == nil || l.Epoch != 2911 {
		t.Errorf("the best is %+v, %v", l, err)
	}
}
