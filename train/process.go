package train

import (
	"errors"

	"github.com/imago-ml/imago/train/runlog"
)

// startProcess notes that this process trains the run, if there is something left to train.
func (t *trainer) startProcess() error {
	var err error
	if t.processes, err = t.Run.Processes(); err != nil || t.finished() {
		return err
	}
	threads := 0
	if b, ok := t.Backend.(interface{ Threads() int }); ok {
		threads = b.Threads()
	}
	t.processes = append(t.processes, runlog.NewProcess(t.Command, threads, t.at.Step))
	t.recording = true
	return t.recordProcess("")
}

// recordProcess writes how far this process has come, and how it ended; "" = it has not.
func (t *trainer) recordProcess(ended string) error {
	if !t.recording {
		return nil
	}
	p := &t.processes[len(t.processes)-1]
	p.At(t.at.Step)
	p.Ended = ended
	return t.Run.WriteProcesses(t.processes)
}

// endProcess writes how this process ended.
func (t *trainer) endProcess(err error) error {
	if errors.Is(err, ErrGone) { // there is no place to write it
		t.recording = false
	}
	ended := runlog.Complete
	switch {
	case errors.Is(err, ErrInterrupted):
		ended = runlog.Interrupted
	case err != nil:
		ended = err.Error()
	}
	if t.recording {
		t.log.Ended(err != nil && !errors.Is(err, ErrInterrupted))
	}
	return t.recordProcess(ended)
}
