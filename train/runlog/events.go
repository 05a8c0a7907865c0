package runlog

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/tfevents"
	"github.com/imago-ml/imago/internal/disk"
)

// events are the event files of a run for TensorBoard. The means of training, of the test
// part and of the validation part are runs of their own, events/train, events/test and
// events/validation, with the same tags, so that TensorBoard draws them on one chart. The
// folder events itself has the hyperparameters, the pictures and the histograms.
type events struct {
	dir   disk.Folder
	at    Position
	root  *tfevents.Writer
	parts map[string]*tfevents.Writer // by the name of the folder
}

// The parts of the data that have event files.
const (
	trainEvents      = "train"
	testEvents       = "test"
	validationEvents = "validation"
)

// newEvents opens the event files of a run that goes on at a position. Events after it are
// declared void, in all folders that are there.
func newEvents(r *Run, at Position) (*events, error) {
	e := &events{dir: r.Folder().Sub(EventsDir), at: at, parts: map[string]*tfevents.Writer{}}
	var err error
	if e.root, err = e.open(""); err != nil {
		return nil, err
	}
	for _, part := range []string{trainEvents, testEvents, validationEvents} {
		if there, err := e.dir.Exists(part); err == nil && there {
			if _, err := e.part(part); err != nil {
				return nil, errors.Join(err, e.close())
			}
		}
	}
	if err := e.root.HParams(r.Config.hyperparameters()); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, e.root.Flush()
}

// open makes a file in a folder below events.
func (e *events) open(folder string) (*tfevents.Writer, error) {
	w, err := tfevents.NewIn(e.dir.Sub(folder), "")
	if err == nil && e.at.Step > 0 {
		err = w.Restart(e.at.Step + 1)
	}
	return w, err
}

// part returns the file of a part, which it makes at its first use.
func (e *events) part(name string) (*tfevents.Writer, error) {
	if w := e.parts[name]; w != nil {
		return w, nil
	}
	w, err := e.open(name)
	if err == nil {
		e.parts[name] = w
	}
	return w, err
}

// append writes the numbers of a line.
func (e *events) append(l Line) error {
	train := map[string]float64{"images_per_s": l.ImagesPerSec, "learning_rate": l.LR}
	maps.Copy(train, l.Train)
	for part, metrics := range map[string]map[string]float64{trainEvents: train, testEvents: l.Test, validationEvents: l.Validation} {
		if len(metrics) == 0 {
			continue
		}
		w, err := e.part(part)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(metrics)) {
			if err := w.Scalar(l.Step, l.Kind+"/"+strings.TrimPrefix(name, part+"_"), metrics[name]); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// close closes all files.
func (e *events) close() error {
	err := e.root.Close()
	for _, w := range e.parts {
		err = errors.Join(err, w.Close())
	}
	return err
}

// hyperparameters returns what TensorBoard compares runs by: numbers, switches and words
// of the configuration, with lists as their JSON.
func (c *Config) hyperparameters() map[string]any {
	values := map[string]any{
		"recipe": c.Recipe, "data": c.Data.Name, "batch": float64(c.Batch), "learning_rate": c.LR, "schedule": c.Schedule, "seed": float64(c.Seed), "optimizer": c.Optimizer.String(),
	}
	if c.BySteps() {
		values["steps"] = float64(c.Steps)
	} else {
		values["epochs"] = float64(c.Epochs)
	}
	var model map[string]any
	if json.Unmarshal(c.Model, &model) != nil { // Validate has found it to be JSON
		return values
	}
	for name, v := range model {
		switch v.(type) {
		case float64, bool, string:
		default:
			b, _ := json.Marshal(v)
			v = string(b)
		}
		values["model/"+name] = v
	}
	return values
}
