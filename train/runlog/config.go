package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// Format is the version of run.json that this package writes and reads.
const Format = 1

// Config is all that sets one run apart from another. It is run.json, and stands
// in every weights file, so that the file alone is enough to build the model: the
// JSON name of a field never changes.
type Config struct {
	Format int    `json:"format"` // Format
	Imago  string `json:"imago"`  // version of the program that created the run
	Go     string `json:"go"`     // and of its compiler
	// Arithmetic is backend.Backend.Arithmetic of the device on which the run was begun; "" of a run that has not begun, or
	// of an earlier version. With Imago and Go it says which bits a run gives.
	Arithmetic string `json:"arithmetic,omitempty"`

	Recipe string          `json:"recipe"` // the name of the model.Recipe
	Kind   string          `json:"kind"`   // of model
	Model  json.RawMessage `json:"model"`  // the kind's configuration in full
	Data   Data            `json:"data"`

	Epochs    int            `json:"epochs"`             // in all, ≥ 1; 0 = by Steps
	Steps     int            `json:"steps,omitempty"`    // updates in all, ≥ 1; 0 = by Epochs
	Batch     int            `json:"batch"`              // images a step, ≥ 1
	LR        float64        `json:"lr"`                 // learning rate, > 0
	Optimizer optim.Settings `json:"optimizer,omitzero"` // zero = the model's own
	Shift     int            `json:"shift,omitempty"`    // each training image is moved by up to so many pixels, up or down, and left or right
	Flip      bool           `json:"flip,omitempty"`     // half of the times, left and right of a training image are exchanged
	Seed      uint64         `json:"seed"`               // of all randomness

	// Schedule is how the learning rate changes over the epochs of a phase, as
	// optim.ParseSchedule reads it; "" = not.
	Schedule string `json:"schedule,omitempty"`

	// Patience is the number of epochs in a row without a better loss after which the run
	// ends; 0 = it does not end early. The loss is that of the validation part, or of the
	// test part if there is none: see package train. In a run by steps with intervals, the
	// epochs in which an interval ends are counted.
	Patience int `json:"patience,omitempty"`

	// Init is where the initial weights come from; nil = they are drawn.
	Init *Init `json:"init,omitempty"`

	// LogSteps is the steps of an interval, at the end of which a line is logged and
	// images are generated from fixed noise; 0 = each epoch.
	LogSteps int `json:"log_steps,omitempty"`

	Measure Measure `json:"measure,omitzero"`

	Checkpoints Checkpoints `json:"checkpoints"`
	Pictures    int         `json:"pictures"` // drawn every so many epochs, or intervals of LogSteps of a run by steps, and at the end; 0 = at the end only, −1 = never
}

// Data describes the images or other items that a run is trained on.
type Data struct {
	Source       string   `json:"source"`                  // name or path with which the set was opened
	Path         string   `json:"path,omitempty"`          // data.Set.Path: absolute; "" of a name
	Name         string   `json:"name"`                    // data.Set.Name
	Digest       string   `json:"digest"`                  // data.Set.Digest
	Train        int      `json:"train"`                   // training images, ≥ 1
	Test         int      `json:"test"`                    // test images
	Validation   int      `json:"validation,omitempty"`    // validation images, which are no training images
	Labels       []string `json:"labels,omitempty"`        // data.Set.LabelNames
	Size         int      `json:"size,omitempty"`          // data.Options.Size
	Crop         int      `json:"crop,omitempty"`          // data.Options.Crop
	Gray         bool     `json:"gray,omitempty"`          // data.Options.Gray
	Seed         uint64   `json:"seed,omitempty"`          // data.Options.Seed
	TestFraction float64  `json:"test_fraction,omitempty"` // data.Options.TestFraction
	Without      []string `json:"without,omitempty"`       // data.Options.Without

	ValidationFraction float64 `json:"validation_fraction,omitempty"` // data.Options.Validation
	Label              string  `json:"label,omitempty"`               // data.Options.Label
	Limit              int     `json:"limit,omitempty"`               // data.Options.Limit
	SkipBad            bool    `json:"skip_bad,omitempty"`            // data.Options.SkipBad

	data.Reading // data.Options.Reading

	Item medium.Saved `json:"item"` // what describes each of them

	Notes []data.Note `json:"notes,omitempty"` // data.Set.Notes

	// Runs of imago before it had media have these two in place of Item: rows, columns
	// and channels, and the columns of a table. Decode sets Item from them.
	Image   [3]int          `json:"image,omitzero"`
	Columns json.RawMessage `json:"columns,omitempty"`
}

// Unknown reports whether it is not known which data the model was trained on: its weights come from another program, and
// nobody has told. Item and Labels are known.
func (d Data) Unknown() bool { return d.Source == "" && d.Train == 0 }

// upgrade sets Item from the fields of earlier versions.
func (d *Data) upgrade() {
	if d.Image == [3]int{} {
		return
	}
	if len(d.Columns) > 0 {
		settings := append(append([]byte(`{"columns":`), d.Columns...), '}')
		d.Item = medium.Saved{Medium: "table", Shape: []int{d.Image[1]}, Element: medium.Reals, Settings: settings}
	} else {
		d.Item = medium.Saved{Medium: "image", Shape: slices.Clone(d.Image[:]), Element: medium.Levels}
	}
	d.Image, d.Columns = [3]int{}, nil
}

// Options returns the options with which the same set is opened again. The caller
// adds the folders in which to look for it, and the medium.
func (d Data) Options() data.Options {
	return data.Options{Size: d.Size, Crop: d.Crop, Gray: d.Gray, Seed: d.Seed, TestFraction: d.TestFraction, Validation: d.ValidationFraction, Without: d.Without, Label: d.Label, Limit: d.Limit, SkipBad: d.SkipBad, Reading: d.Reading}
}

// Measure says which metrics are measured while a run trains, besides those of every
// epoch, and when.
type Measure struct {
	Metrics []string `json:"only"`   // of each word the first metric of package eval that has it in its name; none = nothing is measured
	Every   int      `json:"every"`  // epochs between two, or intervals of a run by steps, ≥ 1; and at the end
	Images  int      `json:"images"` // images generated, and test images with which they are compared, ≥ 2
}

// Checkpoints says when a run is saved, besides at the end of every epoch, and how
// many checkpoints are kept.
type Checkpoints struct {
	Keep    int     `json:"keep"`    // the last so many, and the best; 0 = all
	Seconds float64 `json:"seconds"` // at most so long between two; 0 = no limit
	Steps   int64   `json:"steps"`   // at most so many steps between two; 0 = no limit
}

// NewConfig returns the configuration of a recipe, with c the model's, on a set that
// was opened as source with opt. Epochs or Steps, Batch, LR, Schedule and LogSteps are
// the recipe's and the rest are defaults. The caller may change all of them before the
// run is created.
func NewConfig(rec model.Recipe, c model.Config, set *data.Set, source string, opt data.Options) (Config, error) {
	reading := opt.Reading
	if reading.Range == "" {
		reading.Range = set.Range
	}
	return newConfig(rec, c, set.Item(), Data{
		Source: source, Path: set.Path, Name: set.Name, Digest: set.Digest, Train: set.Train.Len(), Validation: set.Validation.Len(), Test: set.Test.Len(), Labels: set.LabelNames(), Notes: set.Notes,
		Size: opt.Size, Crop: opt.Crop, Gray: opt.Gray, Seed: opt.Seed, TestFraction: opt.TestFraction, ValidationFraction: opt.Validation, Without: opt.Without, Label: opt.Label, Limit: opt.Limit, SkipBad: opt.SkipBad, Reading: reading,
	})
}

// NewImported returns the configuration of a model whose weights come from another program, and whose data are not known:
// see Data.Unknown. Its items have labels 0, 1, … if labels is not 0.
func NewImported(rec model.Recipe, c model.Config, item medium.Item, labels int) (Config, error) {
	var names []string
	for i := range labels {
		names = append(names, strconv.Itoa(i))
	}
	return newConfig(rec, c, item, Data{Labels: names})
}

func newConfig(rec model.Recipe, c model.Config, item medium.Item, d Data) (Config, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return Config{}, fmt.Errorf("runlog: config of %s: %w", rec.Name, err)
	}
	if d.Item, err = medium.Save(item); err != nil {
		return Config{}, fmt.Errorf("runlog: %w", err)
	}
	imago, goVersion := Versions()
	epochs := rec.Train.Epochs
	if rec.Train.Steps > 0 {
		epochs = 0
	}
	return Config{
		Format: Format, Imago: imago, Go: goVersion,
		Recipe: rec.Name, Kind: rec.Kind, Model: raw, Data: d,
		Epochs: epochs, Steps: rec.Train.Steps, Batch: rec.Train.Batch, LR: rec.Train.LearningRate, Schedule: rec.Train.Schedule, LogSteps: rec.Train.LogSteps, Shift: rec.Train.Shift, Seed: 1,
		Checkpoints: Checkpoints{Keep: 3, Seconds: 60},
		Pictures:    5,
	}, nil
}

// Versions returns the version of this program, from its build information, and that
// of Go.
func Versions() (imago, goVersion string) {
	imago = "devel"
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		imago = b.Main.Version
	}
	return imago, runtime.Version()
}

// Input returns what describes the data that the model is built for. The registry must
// have the medium.
func (c *Config) Input(models *model.Registry) (model.Input, error) {
	item, err := models.Media.Open(c.Data.Item)
	if err != nil {
		return model.Input{}, fmt.Errorf("runlog: %w", err)
	}
	return model.Input{Item: item, Labels: len(c.Data.Labels), Optimizer: c.Optimizer}, nil
}

// Build returns the model. The registry must have its kind and the medium of its data.
// It fails too if the run is too short for the phases of the model.
func (c *Config) Build(models *model.Registry) (*model.Model, error) {
	k, err := models.Kind(c.Kind)
	if err != nil {
		return nil, err
	}
	mc, err := k.Decode(c.Model)
	if err != nil {
		return nil, err
	}
	in, err := c.Input(models)
	if err != nil {
		return nil, err
	}
	m, err := mc.New(in)
	if err != nil {
		return nil, err
	}
	m.Extremes = model.Extremes(mc)
	if decay := c.Optimizer.WeightDecay; model.IsExtreme(decay) {
		m.Extremes = append(m.Extremes, model.Extreme{Field: "WeightDecay", Value: decay})
	}
	if m.Optimizer != c.Optimizer {
		return nil, option.Errorf("runlog: %s: the optimiser of this model is its own and cannot be chosen: leave out {Optimizer}, {WeightDecay}, {Momentum} and {Clip}, which are %s", c.Kind, c.Optimizer)
	}
	if _, err := c.Phases(m); err != nil {
		return nil, err
	}
	return m, nil
}

// Validate reports every fault, one a line.
func (c *Config) Validate() error {
	var faults []error
	check := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, option.Errorf("runlog: "+format, a...))
		}
	}
	check(c.Format == Format, "format %d: this imago reads %d", c.Format, Format)
	check(c.Recipe != "" && c.Kind != "", "recipe %q of kind %q: want both named", c.Recipe, c.Kind)
	check(json.Valid(c.Model), "the model's configuration is not JSON")
	if err := c.Data.Item.Check(); err != nil {
		faults = append(faults, option.Errorf("runlog: %w", err))
	}
	check((c.Data.Train >= 1 || c.Data.Unknown()) && c.Data.Test >= 0 && c.Data.Validation >= 0, "%d training, %d validation and %d test images: want at least one to train on", c.Data.Train, c.Data.Validation, c.Data.Test)
	check(c.Epochs >= 1 || c.Epochs == 0 && c.Steps != 0, "{Epochs} %d: want 1 or more", c.Epochs)
	check(c.Steps >= 0 && c.Steps <= math.MaxInt32, "{Steps} %d: want 1 to %d, or 0 to go by {Epochs}", c.Steps, math.MaxInt32)
	check(c.Epochs == 0 || c.Steps == 0, "{Epochs} %d and {Steps} %d: want one of them, which says how long the run is", c.Epochs, c.Steps)
	check(c.Batch >= 1 && c.Batch <= 1<<16, "{Batch} %d: want 1 to %d", c.Batch, 1<<16)
	check(c.LR > 0 && c.LR <= math.MaxFloat32, "{LR} %v: want a number above 0, as 0.001", c.LR)
	if err := c.Optimizer.Validate(); err != nil {
		faults = append(faults, err)
	}
	if _, err := optim.ParseSchedule(c.Schedule); err != nil {
		faults = append(faults, option.Errorf("runlog: {Schedule}: %w", err))
	}
	check(c.Shift >= 0 && c.Shift < 1<<12, "{Shift} %d: want a number of pixels, or 0", c.Shift)
	check(c.Patience >= 0, "{Patience} %d: want a number of epochs without improvement, or 0 (train to the end)", c.Patience)
	check(c.LogSteps >= 0, "{LogSteps} %d: want a number of steps, or 0 (each epoch)", c.LogSteps)
	m := c.Measure
	check(len(m.Metrics) == 0 || m.Every >= 1 && m.Images >= 2, "{MeasureEvery} %d and {MeasureImages} %d: want 1 epoch or more, and 2 images or more", m.Every, m.Images)
	check(c.Checkpoints.Keep >= 0, "{Keep} %d: want 0 (all) or more", c.Checkpoints.Keep)
	check(c.Checkpoints.Seconds >= 0, "{CheckpointEvery} %v seconds: want 0 (each epoch only) or more", c.Checkpoints.Seconds)
	check(c.Checkpoints.Steps >= 0, "{CheckpointSteps} %d: want 0 (each epoch only) or more", c.Checkpoints.Steps)
	check(c.Pictures >= -1, "{PicturesEvery} %d: want a number of epochs, 0 (at the end only) or -1 (never)", c.Pictures)
	return errors.Join(faults...)
}

// Decode reads a Config from its JSON. An unknown field, text after the end and what
// Validate reports are errors.
func Decode(b []byte) (Config, error) {
	var c Config
	b, _ = unseal(b)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("runlog: not the configuration of a run: %w", err)
	}
	if rest := bytes.TrimSpace(b[d.InputOffset():]); len(rest) > 0 {
		return Config{}, fmt.Errorf("runlog: not the configuration of a run: offset %d: %.8q after the end", d.InputOffset(), rest)
	}
	if len(c.Model) == 0 {
		return Config{}, errors.New("runlog: not the configuration of a run: it has no model")
	}
	var model bytes.Buffer
	if err := json.Compact(&model, c.Model); err != nil {
		return Config{}, fmt.Errorf("runlog: the model's configuration: %w", err)
	}
	c.Model = model.Bytes()
	c.Data.upgrade()
	return c, c.Validate()
}

// Encode returns the JSON of c, which Decode reads. It is indented for people if
// indent is not "".
func (c *Config) Encode(indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	return b.Bytes(), nil
}
