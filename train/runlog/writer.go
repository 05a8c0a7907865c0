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
	events *events
	damage error
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
	events, err := newEvents(r, at)
	if err != nil {
		lines.Close()
		return nil, fmt.Errorf("runlog: %w", err)
	}
	return &Writer{lines, events, damage}, nil
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
	if err := w.events.append(l); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Image adds a PNG to the event file: height×width pixels of 1 or 3 channels.
func (w *Writer) Image(step int64, name string, height, width, channels int, png []byte) error {
	if err := w.events.root.Image(step, name, height, width, channels, png); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Histogram adds the distribution of values to the event file.
func (w *Writer) Histogram(step int64, name string, values []float32) error {
	if err := w.events.root.Histogram(step, name, values); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Ended notes in the event file how the run ended.
func (w *Writer) Ended(failed bool) error {
	status := tfevents.Success
	if failed {
		status = tfevents.Failure
	}
	if err := w.events.root.End(status); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Sync writes the lines to the disk.
func (w *Writer) Sync() error {
	if err := w.lines.Sync(); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// Close syncs and closes the log.
func (w *Writer) Close() error {
	if err := errors.Join(w.lines.Close(), w.events.close()); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}
