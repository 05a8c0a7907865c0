package runlog

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/imago-ml/imago/formats/tfevents"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
)

// A Writer appends to the log of a run: to metrics.jsonl, and the same to event files for
// TensorBoard. The process that holds the run's Lock has one.
type Writer struct {
	lines  *atomicfile.JSONL
	before []Line // that were there, as Before says
	whole  bool
	best   []byte // the line of the best epoch, if not all are kept
	last   []byte // and that of the last epoch
	count  int    // lines of the log, without those of parts of epochs
	damage error
	events *events // nil once they have failed

	eventsFault error // then
}

// A Position is the place of a checkpoint in a run.
type Position struct {
	Epoch int   // whole epochs done
	Step  int64 // updates done
	// Evaluated says that the epoch in progress has a line already, of its part up to
	// Step, where the run had reached its steps.
	Evaluated bool
	// Lines is Writer.Count then; 0 = an earlier imago did not say.
	Lines int
	// Best is the step of the best epoch; 0 = none is.
	Best int64
}

// NewWriter opens the log of a run that goes on at a position. Lines that were written
// after it are removed, and events after it are declared void. whole says what Before is to return.
func NewWriter(r *Run, at Position, whole bool) (*Writer, error) {
	if whole {
		if err := checkLog(r.Folder()); err != nil {
			return nil, err
		}
	}
	w := &Writer{whole: whole}
	lines, damage, err := atomicfile.OpenJSONL(r.Folder(), MetricsFile, func(line []byte) bool { return w.keep(line, at) })
	if errors.Is(err, atomicfile.ErrDamaged) { // it names the file and the line
		return nil, fmt.Errorf("runlog: %w; put a good copy in its place, or delete that line", err)
	}
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if damage != nil {
		damage = fmt.Errorf("runlog: %w, as a power cut may leave it: it and what followed it are removed; what belongs to the steps up to %d is missing from the curves", damage, at.Step)
	}
	if damage == nil && w.count < at.Lines {
		damage = fmt.Errorf("runlog: %s has %s, and had %d when step %d was saved: it was cut off, or somebody removed lines; what they had is missing from the curves", r.Path(MetricsFile), english.Plural(w.count, "line"), at.Lines, at.Step)
	}
	w.lines, w.damage = lines, damage
	for _, line := range [][]byte{w.best, w.last} {
		if len(line) == 0 {
			continue
		}
		l, err := decode(line)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("runlog: %s: a line of an epoch: %w; put a good copy in its place, or delete that line", r.Path(MetricsFile), err), lines.Close())
		}
		w.before = append(w.before, l)
	}
	if w.events, err = newEvents(r, at); err != nil {
		w.endEvents(err)
	}
	return w, nil
}

// keep takes a line that was there, if it was written before the position.
func (w *Writer) keep(line []byte, at Position) bool {
	var l Line
	into := any(&l)
	if kind := kindOf(line); !w.whole && kind != "" || kind == StepLine { // only its place is needed
		into = &struct {
			Kind    *string `json:"kind"`
			Epoch   *int    `json:"epoch"`
			Step    *int64  `json:"step"`
			Partial *bool   `json:"cut"`
		}{&l.Kind, &l.Epoch, &l.Step, &l.Partial}
	}
	if json.Unmarshal(line, into) != nil || !at.includes(&l) {
		return false
	}
	w.add(&l)
	switch {
	case w.whole && (l.Kind == EpochLine || l.Kind == IntervalLine):
		w.before = append(w.before, l)
	case w.whole || l.Kind != EpochLine:
	default:
		w.last = append(w.last[:0], line...)
		if l.Step == at.Best && len(w.best) == 0 {
			w.best = append(w.best, line...)
		}
	}
	return true
}

// Before returns lines that were in the log when it was opened: all of epochs and intervals, if they were asked for, else
// that of the best epoch and that of the last one, as far as there are any.
func (w *Writer) Before() []Line { return w.before }

// add counts a line.
func (w *Writer) add(l *Line) {
	if !l.Partial {
		w.count++
	}
}

// Count returns the number of lines of the log, for Position.Lines. Those of parts of epochs, at which a run ended before
// it got more steps, do not count: a run that had them from the start has none.
func (w *Writer) Count() int { return w.count }

// Damage returns what was removed from the log, when it was opened, because it was damaged, or what is missing from it;
// nil if nothing is. It is worth a warning.
func (w *Writer) Damage() error { return w.damage }

// includes reports whether a line was written before the position. Its step alone does
// not decide: an epoch's last step may be saved before the epoch's line is written.
func (p Position) includes(l *Line) bool {
	switch {
	case l.Kind == EpochLine && l.Partial:
		return l.Step < p.Step || l.Step == p.Step && p.Evaluated
	case l.Kind == EpochLine:
		return l.Epoch <= p.Epoch
	}
	return l.Step <= p.Step
}

// Append writes a line. A number that is not finite is an error.
func (w *Writer) Append(l Line) error {
	if err := w.lines.Append(l); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	w.add(&l)
	w.event(func(e *events) error { return e.append(l) })
	return nil
}

// Image adds a PNG to the event file: height×width pixels of 1 or 3 channels.
func (w *Writer) Image(step int64, name string, height, width, channels int, png []byte) {
	w.event(func(e *events) error { return e.root.Image(step, name, height, width, channels, png) })
}

// Histogram adds the distribution of values to the event file.
func (w *Writer) Histogram(step int64, name string, values []float32) {
	w.event(func(e *events) error { return e.root.Histogram(step, name, values) })
}

// Ended notes in the event file how the run ended.
func (w *Writer) Ended(failed bool) {
	status := tfevents.Success
	if failed {
		status = tfevents.Failure
	}
	w.event(func(e *events) error { return e.root.End(status) })
}

// event writes to the event files. They repeat what the log has, so their first error ends them, and not the training.
func (w *Writer) event(write func(e *events) error) {
	if w.events == nil {
		return
	}
	if err := write(w.events); err != nil {
		w.events.close() // whose errors are of what is lost already
		w.endEvents(err)
	}
}

// endEvents notes that event files are no longer written.
func (w *Writer) endEvents(err error) {
	w.events = nil
	w.eventsFault = fmt.Errorf("runlog: TensorBoard gets no more of this run: %w; the log goes on", err)
}

// EventsFault returns why event files are no longer written; nil if they are. It is worth a warning.
func (w *Writer) EventsFault() error { return w.eventsFault }

// Sync writes the lines to the disk.
func (w *Writer) Sync() error {
	if err := w.lines.Sync(); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Close syncs and closes the log.
func (w *Writer) Close() error {
	w.event(func(e *events) error { return e.close() })
	if err := w.lines.Close(); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}
