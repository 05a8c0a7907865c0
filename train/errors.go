package train

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// ErrInterrupted marks a run that was interrupted and saved. Test with
// errors.Is; the error is an *InterruptedError.
var ErrInterrupted = errors.New("interrupted")

// An InterruptedError says where a run stopped and how it goes on.
type InterruptedError struct {
	Run, Recipe, Checkpoint string // no checkpoint is made of a run that was interrupted before it began
	Epoch                   int    // whole epochs done
	Step                    int64
}

// Error returns one line.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("%v: resume the run in %s", e.Saved(), e.Run)
}

// Saved returns the part of the message that says where the run stopped, for callers
// that say themselves how it is resumed.
func (e *InterruptedError) Saved() string {
	if e.Checkpoint == "" {
		return "train: interrupted before the first step"
	}
	return fmt.Sprintf("train: interrupted at step %d, after %s, and saved", e.Step, english.Plural(e.Epoch, "whole epoch"))
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
	Extremes    []model.Extreme // options of the model that explain it better than LR does
	Cause       error           // names the layer: it wraps a *backend.NonFiniteError, if that was found
}

// usualLR is above all learning rates of recipes.
const usualLR = 0.1

// Error returns one line: what, where, what is left, the remedy.
func (e *DivergedError) Error() string { return e.message().Error() }

// message returns the text, in which the learning rate is an option.
func (e *DivergedError) message() *option.Error {
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
	var ways []string
	for _, x := range e.Extremes {
		ways = append(ways, fmt.Sprintf("a usual value of {%s}: %g is extreme", x.Field, x.Value))
	}
	if len(ways) == 0 || e.LR > usualLR {
		ways = append(ways, fmt.Sprintf("a lower learning rate: {LR} %.3g (it was %g)", min(e.LR/10, 1e-3), e.LR))
	}
	return option.Errorf("train: %s: epoch %d, step %d: %s is %v: %s; %s; try "+strings.Join(ways, ", or "),
		e.Run, e.Epoch, e.Step, e.Metric, e.Value, cause, good)
}

// Unwrap returns the message as an option.Error, and Cause.
func (e *DivergedError) Unwrap() []error { return []error{e.message(), e.Cause} }
