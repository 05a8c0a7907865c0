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
	lines, err := atomicfile.OpenJSONL(r.Path(MetricsFile))
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	if _, err := ReadLog(r.Dir); err != nil { // else a damaged line would be removed as a later one
		lines.Close()
		return nil, err
	}
	if _, err := lines.TruncateAfter(at.includes); err != nil {
		lines.Close()
		return nil, fmt.Errorf("runlog: %w", err)
	}
	events, err := newEvents(r, at)
	if err != nil {
		lines.Close()
		return nil, fmt.Errorf("runlog: %w", err)
	}
	return &Writer{lines, events}, nil
}

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
