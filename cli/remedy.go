package cli

import (
	"errors"

	"github.com/imago-ml/imago/internal/fault"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/runlog"
)

// A remediedError is an error with what helps.
type remediedError struct {
	err    error
	remedy string
}

// Error returns the message with the remedy.
func (e *remediedError) Error() string { return e.err.Error() + ": " + e.remedy }

// Unwrap returns the error alone.
func (e *remediedError) Unwrap() error { return e.err }

// machineRemedy returns what helps against an error of the machine, "" of another error and of one that says so itself.
func machineRemedy(err error) string {
	switch own := (*remediedError)(nil); {
	case errors.As(err, &own):
		return ""
	case fault.IsFull(err):
		return "free some space on that disk, or write to another"
	case fault.IsTooManyFiles(err):
		return "raise the limit of open files, as by ulimit -n 4096, or use fewer --threads"
	}
	return ""
}

// resumable returns the error of a training with the way to go on, if it is one of the machine.
func resumable(err error, run *runlog.Run) error {
	goOn := "go on with imago train " + screen.ShellName(run.Config.Recipe) + " --resume " + screen.ShellName(run.Dir)
	switch {
	case fault.IsFull(err):
		return &remediedError{err, "free some space on that disk, then " + goOn}
	case fault.IsTooManyFiles(err):
		return &remediedError{err, machineRemedy(err) + ", then " + goOn}
	}
	return err
}
