package train

import (
	"errors"
	"fmt"

	"github.com/imago-ml/imago/engine/backend"
)

// ErrInterrupted marks a run that was told to stop and was saved. Test with
// errors.Is; the error is an *InterruptedError.
var ErrInterrupted = errors.New("interrupted")

// An InterruptedError says where a run stopped and how it goes on.
type InterruptedError struct {
	Run, Recipe, Checkpoint string
	Epoch                   int // whole epochs done
	Step                    int64
}

// Error returns one line.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("train: interrupted at step %d, after %s, and saved: go on with imago train %s --resume %s", e.Step, plural(e.Epoch, "whole epoch"), e.Recipe, e.Run)
}

// Is makes errors.Is(err, ErrInterrupted) true.
func (e *InterruptedError) Is(target error) bool { return target == ErrInterrupted }

// A DivergedError is a number of a run that is not finite. Nothing of it was saved.
type DivergedError struct {
	Run, Recipe string
	Epoch       int     // under way, from 1
	Step        int64   // updates done before
	Metric      string  // "loss", "grad_norm", "test_loss", "the state"
	Value       float64 // NaN, +Inf or −Inf
	Checkpoint  string  // the last good one; "" if there is none
	LR          float64
	Cause       error // names the layer: it wraps a *backend.NonFiniteError, if that was found
}

// Error returns one line: what, where, what is left, the way out.
func (e *DivergedError) Error() string {
	cause := e.Cause.Error()
	var at *backend.NonFiniteError
	if errors.As(e.Cause, &at) {
		cause = at.Error()
		if at.Layer != "" {
			cause = fmt.Sprintf("layer %s gave %v (%s)", at.Layer, at.Value, at.Op)
		}
	}
	good := "no checkpoint was made before"
	if e.Checkpoint != "" {
		good = "the last good checkpoint is " + e.Checkpoint
	}
	return fmt.Sprintf("train: %s: epoch %d, step %d: %s is %v: %s; %s; try a lower learning rate: --lr %.3g (it was %g)",
		e.Run, e.Epoch, e.Step, e.Metric, e.Value, cause, good, min(e.LR/10, 1e-3), e.LR)
}

// Unwrap returns Cause.
func (e *DivergedError) Unwrap() error { return e.Cause }
