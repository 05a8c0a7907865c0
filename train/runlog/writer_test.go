package runlog

import "testing"

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
