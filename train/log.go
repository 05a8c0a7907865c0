package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/formats/tfevents"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/train/ckpt"
)

// The kinds of lines.
const (
	StepLine  = "step"  // every hundred steps: the means since the last, the epoch's end aside
	EpochLine = "epoch" // every epoch: the means over its images, and the test metrics

	IntervalLine = "interval" // every Config.LogSteps steps: the means since the last, and the values of the last step
)

// A Line is a line of metrics.jsonl. Means are over images; metrics are in nats an
// image where the model's objective is.
type Line struct {
	Kind   string `json:"kind"`
	Stage  string `json:"stage,omitempty"` // of a model trained in stages
	Epoch  int    `json:"epoch"`           // under way, or done: from 1
	Step   int64  `json:"step"`            // optimiser updates done
	Images int64  `json:"images"`          // trained on in all

	Train map[string]float64 `json:"train"`          // by the model's names: loss, reconstruction, kl, grad_norm
	At    map[string]float64 `json:"at,omitempty"`   // likewise, of the last step alone; of an interval line
	Test  map[string]float64 `json:"test,omitempty"` // by eval's names: test_loss, …; of an epoch line
	Made  map[string]float64 `json:"made,omitempty"` // Spread and Nearest of what an adversarial model makes
	Best  bool               `json:"best,omitempty"` // the lowest test_loss so far, or the best of the first of Config.Measure where there is none
	Cut   bool               `json:"cut,omitempty"`  // an epoch line of a part of the epoch, with which the run's steps were done

	Modes    []float64 `json:"modes,omitempty"`    // images made of each class, if they were counted
	UnitKL   []float64 `json:"unit_kl,omitempty"`  // KL of each latent unit on test images, nats; of an epoch line
	Warnings []Warning `json:"warnings,omitempty"` // what was noticed at the epoch's end

	LR           float64 `json:"lr"`           // of the last step
	ImagesPerSec float64 `json:"images_per_s"` // of training, since the last line of the kind, in this process
	Waited       float64 `json:"waited_s"`     // likewise: seconds of training spent waiting for images to be read
	Seconds      float64 `json:"seconds"`      // likewise; an epoch line's with its evaluation
}

// ReadLog reads the log of the run in the folder dir. It may be read while it is
// written. A run without a log has no lines.
func ReadLog(dir string) ([]Line, error) {
	var lines []Line
	name := filepath.Join(dir, MetricsFile)
	err := atomicfile.ReadJSONL(name, func(b []byte) error {
		var l Line
		if err := json.Unmarshal(b, &l); err != nil {
			return err
		}
		lines = append(lines, l)
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case err != nil: // it says which file and line
		err = fmt.Errorf("train: %w; delete that line", err)
	}
	return lines, err
}

// Epochs returns the epoch lines among lines.
func Epochs(lines []Line) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Kind != EpochLine })
}

// logs is the run's log and its twin for TensorBoard.
type logs struct {
	lines  *atomicfile.JSONL
	events *tfevents.Writer
}

// openLogs opens the logs at a place of the run: what they tell of later is cut off
// or declared void. judged says that a cut epoch was judged there.
func openLogs(r *Run, at ckpt.State, judged bool) (*logs, error) {
	lines, err := atomicfile.OpenJSONL(r.Path(MetricsFile))
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if _, err := ReadLog(r.Dir); err != nil { // a damaged line would pass for one that tells of later
		lines.Close()
		return nil, err
	}
	if _, err := lines.TruncateAfter(func(b []byte) bool { return told(b, at, judged) }); err != nil {
		lines.Close()
		return nil, fmt.Errorf("train: %w", err)
	}
	events, err := tfevents.New(r.Path(EventsDir), "")
	if err == nil && at.Step > 0 {
		err = events.Restart(at.Step + 1)
	}
	if err != nil {
		lines.Close()
		return nil, fmt.Errorf("train: %w", err)
	}
	return &logs{lines, events}, nil
}

// told says whether a line was written before the checkpoint. An epoch's last step
// may be saved before its line is written, so steps alone do not say.
func told(b []byte, at ckpt.State, judged bool) bool {
	var l Line
	if json.NewDecoder(bytes.NewReader(b)).Decode(&l) != nil {
		return false
	}
	switch {
	case l.Kind == EpochLine && l.Cut:
		return l.Step < at.Step || l.Step == at.Step && judged
	case l.Kind == EpochLine:
		return l.Epoch <= at.Epoch
	}
	return l.Step <= at.Step
}

func (l *logs) append(line Line) error {
	if err := l.lines.Append(line); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	tags := map[string]float64{}
	for name, v := range line.Train {
		tags["train_"+line.Kind+"/"+name] = v
	}
	for name, v := range line.Test {
		tags["test/"+name] = v
	}
	tags[line.Kind+"/images_per_s"] = line.ImagesPerSec
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if err := l.events.Scalar(line.Step, name, tags[name]); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	if err := l.events.Flush(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

func (l *logs) close() error {
	if err := errors.Join(l.lines.Close(), l.events.Close()); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}
