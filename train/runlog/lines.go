package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/models/model"
)

// The kinds of lines.
const (
	StepLine     = "step"     // every hundred steps: the means since the last such line
	EpochLine    = "epoch"    // every epoch: the means over its images, and the metrics of the test images
	IntervalLine = "interval" // every Config.LogSteps steps: the means since the last such line, and the values of the last step
)

// A Line is a line of metrics.jsonl. Means are over images; metrics are in nats an
// image where the model's objective is.
type Line struct {
	Kind   string `json:"kind"`
	Phase  string `json:"stage,omitempty"` // of a model with several
	Epoch  int    `json:"epoch"`           // in progress, or done: from 1
	Step   int64  `json:"step"`            // optimiser updates done
	Images int64  `json:"images"`          // trained on in all

	Train      map[string]float64 `json:"train"`                // by the model's names: loss, reconstruction, kl, grad_norm
	LastStep   map[string]float64 `json:"at,omitempty"`         // likewise, of the last step alone; of an interval line
	Test       map[string]float64 `json:"test,omitempty"`       // by the names of package eval: test_loss, …; of an epoch line
	Validation map[string]float64 `json:"validation,omitempty"` // likewise, of the validation part: validation_loss, …
	Generated  map[string]float64 `json:"made,omitempty"`       // how various the images are that an adversarial model generates: see package train
	Best       bool               `json:"best,omitempty"`       // the best so far by the metric that the run monitors: see package train
	Stopped    bool               `json:"stopped,omitempty"`    // the run ended at this line, by Config.Patience
	Partial    bool               `json:"cut,omitempty"`        // an epoch line of a part of the epoch, in which the run reached its steps

	Modes    []float64       `json:"modes,omitempty"`    // generated images of each class, if they were counted
	UnitKL   []float64       `json:"unit_kl,omitempty"`  // KL of each latent unit on test images, nats; of an epoch line
	Warnings []model.Warning `json:"warnings,omitempty"` // what the diagnosis found at this line

	LR           float64 `json:"lr"`           // of the last step
	ImagesPerSec float64 `json:"images_per_s"` // of training, since the last line of the kind, in this process
	Waited       float64 `json:"waited_s"`     // likewise: seconds of training spent waiting for images to be read
	Seconds      float64 `json:"seconds"`      // likewise; an epoch line's with its evaluation
}

// ReadLog reads the log of the run in the folder dir, which may be in training. A run
// without a log has no lines.
func ReadLog(dir string) ([]Line, error) { return readLog(disk.At(dir)) }

// Lines reads the log of the run, as ReadLog: the lines of these kinds, or all if there are none.
func (r *Run) Lines(kinds ...string) ([]Line, error) { return readLog(r.Folder(), kinds...) }

// mostGrowth is how many bytes of memory a byte of the log takes when it is read: of lines that hold next to nothing.
const mostGrowth = 25

// checkLog returns an error if there is no memory for the lines of the log.
func checkLog(dir disk.Folder) error {
	st, err := dir.Stat(MetricsFile)
	if err != nil { // who opens it says why
		return nil
	}
	if err := memory.Check(mostGrowth*st.Size(), "the lines of %s", dir.Path(MetricsFile)); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// kindOf returns the kind of a line as imago writes it, with the kind first, without decoding the rest of it; "" if the
// line is another.
func kindOf(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(`{"kind":"`))
	if kind, _, end := bytes.Cut(rest, []byte(`","`)); ok && end {
		return string(kind)
	}
	return ""
}

func readLog(dir disk.Folder, kinds ...string) (lines []Line, err error) {
	if err := checkLog(dir); err != nil {
		return nil, err
	}
	err = forEachOf(dir, kinds, func(l Line) { lines = append(lines, l) })
	return lines, err
}

// EachLine calls line with each line of the log of the run that is of these kinds, or with all if there are none. No line is
// kept, however long the log is.
func (r *Run) EachLine(line func(Line), kinds ...string) error {
	return forEachOf(r.Folder(), kinds, line)
}

func forEachOf(dir disk.Folder, kinds []string, line func(Line)) error {
	wanted := func(kind string) bool { return len(kinds) == 0 || slices.Contains(kinds, kind) }
	return forEachLine(dir, func(b []byte) error {
		if kind := kindOf(b); kind != "" && !wanted(kind) { // most lines are of steps
			return nil
		}
		l, err := decode(b)
		if err == nil && wanted(l.Kind) {
			line(l)
		}
		return err
	})
}

// lastEpoch returns the line of the last epoch in the log; nil if there is none. Of a long log it decodes no other.
func lastEpoch(dir disk.Folder) (*Line, error) {
	var last []byte
	err := forEachLine(dir, func(b []byte) error {
		kind := kindOf(b)
		if kind == "" {
			l, err := decode(b)
			if err != nil {
				return err
			}
			kind = l.Kind
		}
		if kind == EpochLine {
			last = append(last[:0], b...)
		}
		return nil
	})
	if err != nil || last == nil {
		return nil, err
	}
	l, err := decode(last)
	return &l, err
}

// decode returns a line of the log.
func decode(b []byte) (l Line, err error) {
	if err = json.Unmarshal(b, &l); err != nil {
		err = fmt.Errorf("%w: %w", atomicfile.ErrDamaged, err)
	}
	return l, err
}

// forEachLine calls line with each line of the log. A run without a log has none.
func forEachLine(dir disk.Folder, line func([]byte) error) error {
	err := atomicfile.ReadJSONL(dir, MetricsFile, line)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	case errors.Is(err, atomicfile.ErrDamaged): // it names the file and the line
		err = fmt.Errorf("runlog: %w; put a good copy in its place, or delete that line", err)
	case err != nil:
		err = fmt.Errorf("runlog: %w", err)
	}
	return err
}

// BestEpoch returns the line of the best epoch among lines, or of the last one if none is
// the best, as in a run without a test loss; nil if no epoch has a line.
func BestEpoch(lines []Line) *Line {
	var best *Line
	for i := range lines {
		l := &lines[i]
		if l.Kind == EpochLine && (l.Best || best == nil || !best.Best) {
			best = l
		}
	}
	return best
}

// Epochs returns the epoch lines among lines.
func Epochs(lines []Line) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Kind != EpochLine })
}

// Metric returns the metric of the test or the validation part with that name.
func (l *Line) Metric(name string) (v float64, ok bool) {
	if v, ok = l.Test[name]; !ok {
		v, ok = l.Validation[name]
	}
	return v, ok
}
