package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/imago-ml/imago/formats/tfevents"
	"github.com/imago-ml/imago/internal/atomicfile"
)

// A Writer appends to the log of a run: to metrics.jsonl, and the same to event files for
// TensorBoard. The process that holds the run's Lock has one.
type Writer struct {
	lines  *atomicfile.JSONL
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
}

// NewWriter opens the log of a run that goes on at a position. Lines that were written
// after it are removed, and events after it are declared void.
func NewWriter(r *Run, at Position) (*Writer, error) {
	lines, damage, err := atomicfile.OpenJSONL(r.Folder(), MetricsFile, at.includes)
	if errors.Is(err, atomicfile.ErrDamaged) { // it names the file and the line
		return nil, fmt.Errorf("runlog: %w; put a good copy in its place, or delete that line", err)
	}
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if damage != nil {
		damage = fmt.Errorf("runlog: %w, as a power cut may leave it: it and what followed it are removed; what belongs to the steps up to %d is missing from the curves", damage, at.Step)
	}
	w := &Writer{lines: lines, damage: damage}
	if w.events, err = newEvents(r, at); err != nil {
		w.endEvents(err)
	}
	return w, nil
}

// Damage returns what was removed from the log, when it was opened, because it was damaged; nil if nothing was. It is
// worth a warning.
func (w *Writer) Damage() error { return w.damage }

// includes reports whether a line was written before the position. Its step alone does
// not decide: an epoch's last step may be saved before the epoch's line is written.
func (p Position) includes(line []byte) bool {
	var l Line
	if json.NewDecoder(bytes.NewReader(line)).Decode(&l) != nil {
		return false
	}
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
