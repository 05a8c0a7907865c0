package studio

import (
	"errors"
	"path"
	"path/filepath"
	"time"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train/runlog"
)

// mostSpark is the most points of a sparkline.
const mostSpark = 40

// spark returns at most mostSpark of values, at equal distances, the last among them.
func spark(values []float64) []number {
	n := min(len(values), mostSpark)
	points := make([]number, n)
	for i := range points {
		points[i] = number(values[(i+1)*len(values)/n-1])
	}
	return points
}

// metricsOf returns the metrics of a line: of training, of test and of validation items, and of what was generated.
func metricsOf(l *runlog.Line) Metrics {
	m := Metrics{}
	if l == nil {
		return m
	}
	for _, part := range []map[string]float64{l.Train, l.Test, l.Validation, l.Generated} {
		for name, v := range part {
			m[name] = number(v)
		}
	}
	return m
}

// summary returns the row of a run, which the caller has locked.
func (s *Studio) summary(r *runState) RunSummary {
	sum := RunSummary{ID: r.id, Bytes: r.bytes, Best: Metrics{}, Last: Metrics{}, Spark: []number{}, Tags: []string{}, State: stateDamaged}
	if n, ok := s.noteOf(r.id); ok {
		sum.Tags, sum.Note = n.Tags, n.Note
	}
	if err := errors.Join(r.fault, r.logFault); err != nil {
		sum.Fault = s.text(err)
	}
	if r.run == nil {
		return sum
	}
	c := &r.run.Config
	sum.Recipe, sum.Kind, sum.Data, sum.Epochs, sum.Steps = c.Recipe, c.Kind, path.Base(filepath.ToSlash(c.Data.Name)), c.Epochs, c.Steps
	if c.Data.Name == "" {
		sum.Data = ""
	}
	sum.Best, sum.Last, sum.Spark = metricsOf(r.best), metricsOf(r.lastEpoch), spark(r.losses)
	if r.lastEpoch == nil {
		sum.Last = metricsOf(r.last)
	}
	for _, rec := range r.records {
		sum.Best[rec.Name] = number(rec.Value)
	}
	var images int64
	if l := r.last; l != nil {
		sum.Epoch, sum.Step, images = l.Epoch, l.Step, l.Images
		if l.Kind != runlog.EpochLine {
			sum.Epoch-- // it is in progress
		}
	}
	if total := c.TotalImages(); total > 0 {
		sum.Progress = min(1, float64(images)/float64(total))
	}
	for _, p := range r.processes {
		sum.Seconds += p.Seconds
	}
	sum.Trained = milliseconds(r.trained())
	if r.thumbnail != "" {
		sum.Thumbnail = &r.thumbnail
	}
	sum.State = s.state(r)
	if sum.State == stateTraining && r.last != nil && r.last.ImagesPerSec > 0 {
		left := float64(c.TotalImages()-images) / r.last.ImagesPerSec
		sum.Remaining = &left
	}
	if n := len(r.processes); sum.State == stateTraining && n > 0 && r.processes[n-1].Ended == "" { // else the next has not noted its start
		p := r.processes[n-1]
		sum.Seconds += max(0, time.Since(p.Started).Seconds()-p.Seconds)
	}
	if sum.State == stateFailed && sum.Fault == "" {
		sum.Fault = s.text(errors.New(r.processes[len(r.processes)-1].Ended))
	}
	return sum
}

// trained returns when a run was trained last.
func (r *runState) trained() time.Time {
	if r.fixed {
		return time.Time{}
	}
	if !r.logTime.IsZero() {
		return r.logTime
	}
	return r.changed
}

// state returns the state of a run that can be read, as its files or as its job say.
func (s *Studio) state(r *runState) string {
	if r.active || r.fixed {
		return s.stateHere(r)
	}
	switch s.queue.stateOf(r.id) {
	case jobWaiting:
		return stateWaiting
	case jobPaused:
		return statePaused
	case jobRunning: // it has not begun, or has just ended
		return stateTraining
	}
	return s.stateHere(r)
}

// stateHere returns the state of a run as its files say.
func (s *Studio) stateHere(r *runState) string {
	switch {
	case r.fixed || r.run.Config.Data.Unknown():
		return stateModel
	case r.active:
		return stateTraining
	case r.fault != nil || r.logFault != nil:
		return stateDamaged
	case r.lastEpoch != nil && r.run.Config.IsLast(r.lastEpoch):
		return stateComplete
	}
	if n := len(r.processes); n > 0 {
		if ended := r.processes[n-1].Ended; ended != "" && ended != runlog.Complete && ended != runlog.Interrupted {
			return stateFailed
		}
	}
	return stateStopped
}

// recently is how long a log of which no process is known may not have grown, if one trains the run.
const recently = 10 * time.Minute

// trains reports whether a process trains the run: the last that has noted its start and not its end, and is there. If it is not on
// this machine, the lock of the run says so; that is asked only of a run whose log has grown of late, as the question takes
// the lock for a moment.
func trains(r *runState) bool {
	n := len(r.processes)
	switch {
	case n == 0 || r.processes[n-1].Ended != "":
		return false
	case r.processes[n-1].Running():
		return true
	}
	st, err := r.folder.Stat(runlog.MetricsFile)
	return err == nil && time.Since(st.ModTime()) < recently && isLocked(r.folder)
}

// isLocked reports whether a process has the lock of a run.
func isLocked(run disk.Folder) bool {
	unlock, err := run.Lock(runlog.LockFile)
	if err == nil {
		unlock()
	}
	return errors.Is(err, disk.ErrLocked)
}
