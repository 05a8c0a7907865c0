package runlog

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/atomicfile"
)

// The log ends where the checkpoint was made; an epoch's line belongs to the
// checkpoint after it, though one before may have the same step.
func TestPositionIncludes(t *testing.T) {
	for _, tt := range []struct {
		line        string
		epoch, step int
		want        bool
	}{
		{`{"kind":"epoch","epoch":2,"step":150,"cut":true}`, 1, 150, false},
		{`{"kind":"epoch","epoch":2,"step":150,"cut":true}`, 1, 151, true},
		{`{"kind":"epoch","epoch":2,"step":150,"cut":true}`, 1, 149, false},
		{`{"kind":"step","epoch":1,"step":100}`, 0, 100, true},
		{`{"kind":"step","epoch":1,"step":100}`, 0, 99, false},
		{`{"kind":"epoch","epoch":1,"step":100}`, 0, 100, false},
		{`{"kind":"epoch","epoch":1,"step":100}`, 1, 100, true},
		{`{"kind":"epoch","epoch":1,"step":100}`, 1, 150, true},
		{`7`, 1, 100, false},
	} {
		if got := new(Writer).keep([]byte(tt.line), Position{Epoch: tt.epoch, Step: int64(tt.step)}); got != tt.want {
			t.Errorf("%s at epoch %d, step %d: %v", tt.line, tt.epoch, tt.step, got)
		}
	}
	if !new(Writer).keep([]byte(`{"kind":"epoch","epoch":2,"step":150,"cut":true}`), Position{Epoch: 1, Step: 150, Evaluated: true}) {
		t.Error("the line of a partial epoch that was evaluated at the checkpoint is removed")
	}
}

// TestBefore checks that a run with nothing left to train keeps two lines of its log, however long it is, and that they are
// checked as all are.
func TestBefore(t *testing.T) {
	r := newRun(t, config("mlp-vae", small(20, 10)))
	var b strings.Builder
	for i := 1; i <= 500; i++ {
		fmt.Fprintf(&b, `{"kind":"step","epoch":%d,"step":%[1]d}`+"\n"+`{"kind":"interval","epoch":%[1]d,"step":%[1]d}`+"\n"+`{"kind":"epoch","epoch":%[1]d,"step":%[1]d,"images":7}`+"\n", i)
	}
	put := func(text string) {
		if err := os.WriteFile(r.Path(MetricsFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	put(b.String())
	for _, tt := range []struct {
		best  int64
		whole bool
		want  int
		first int
	}{{20, false, 2, 20}, {0, false, 1, 400}, {20, true, 800, 1}} {
		w := must(NewWriter(r, Position{Epoch: 400, Step: 400, Best: tt.best}, tt.whole))
		got := w.Before()
		if len(got) != tt.want || got[0].Epoch != tt.first || got[len(got)-1].Epoch != 400 || got[len(got)-1].Images != 7 || w.Count() != 1200 {
			t.Errorf("best %d, whole %v: %d of %d lines: %+v", tt.best, tt.whole, len(got), w.Count(), got[:min(3, len(got))])
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"kind":"epoch","epoch":1,"step":1,"images":"many"}` + "\n")
	if _, err := NewWriter(r, Position{Epoch: 1, Step: 1}, false); !errors.Is(err, atomicfile.ErrDamaged) {
		t.Errorf("a line whose numbers are none: %v", err)
	}
}
