package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
)

// Format is the version of run.json that this package writes and reads.
const Format = 1

// Config is all that sets one run apart from another. It is run.json, and stands
// in every weights file, so that the file alone is enough to build the model: a
// field is never renamed.
type Config struct {
	Format int             `json:"format"` // Format
	Imago  string          `json:"imago"`  // version of the program that began the run
	Go     string          `json:"go"`     // and of its compiler
	Recipe string          `json:"recipe"` // the name it was asked for by
	Kind   string          `json:"kind"`   // of model
	Model  json.RawMessage `json:"model"`  // the kind's configuration in full
	Data   Data            `json:"data"`

	Epochs int     `json:"epochs"`          // in all, ≥ 1; 0 = by Steps
	Steps  int     `json:"steps,omitempty"` // updates in all, ≥ 1; 0 = by Epochs
	Batch  int     `json:"batch"`           // images a step, ≥ 1
	LR     float64 `json:"lr"`              // learning rate, > 0
	Flip   bool    `json:"flip,omitempty"`  // left and right of each training image are exchanged half of the times
	Seed   uint64  `json:"seed"`            // of all randomness

	// Schedule is how the learning rate changes over the epochs of a stage, as
	// optim.ParseSchedule reads it; "" = not.
	Schedule string `json:"schedule,omitempty"`

	LogSteps int `json:"log_steps,omitempty"` // a line is told, and images of one noise are drawn, every so many steps; 0 = each epoch

	Measure Measure `json:"measure,omitzero"`

	Checkpoints Checkpoints `json:"checkpoints"`
	Pictures    int         `json:"pictures"` // drawn every so many epochs, or intervals of LogSteps of a run by steps, and at the end; 0 = at the end only, −1 = never
}

// Data says which images a run is trained on.
type Data struct {
	Source       string   `json:"source"`                  // name or path it was asked for by
	Name         string   `json:"name"`                    // data.Set.Name
	Digest       string   `json:"digest"`                  // data.Set.Digest
	Image        [3]int   `json:"image"`                   // rows, columns, channels
	Train        int      `json:"train"`                   // images to train on, ≥ 1
	Test         int      `json:"test"`                    // images to judge by
	Labels       []string `json:"labels,omitempty"`        // data.Set.LabelNames
	Size         int      `json:"size,omitempty"`          // data.Options.Size
	Crop         int      `json:"crop,omitempty"`          // data.Options.Crop
	Gray         bool     `json:"gray,omitempty"`          // data.Options.Gray
	Seed         uint64   `json:"seed,omitempty"`          // data.Options.Seed
	TestFraction float64  `json:"test_fraction,omitempty"` // data.Options.TestFraction
	Without      []string `json:"without,omitempty"`       // data.Options.Without
	Label        string   `json:"label,omitempty"`         // data.Options.Label

	Columns []data.Column `json:"columns,omitempty"` // data.Set.Columns
}

// Options returns the options with which the same set is opened again. Where to look
// for it is the caller's to add.
func (d Data) Options() data.Options {
	return data.Options{Size: d.Size, Crop: d.Crop, Gray: d.Gray, Seed: d.Seed, TestFraction: d.TestFraction, Without: d.Without, Label: d.Label, Columns: d.Columns}
}

// Checkpoints says when a run is saved, besides at the end of every epoch, and what
// is kept.
type Checkpoints struct {
	Keep    int     `json:"keep"`    // the last so many, and the best; 0 = all
	Seconds float64 `json:"seconds"` // at most so long between two; 0 = no limit
	Steps   int64   `json:"steps"`   // at most so many steps between two; 0 = no limit
}

// NewConfig returns the configuration of a recipe, with c the model's, on a set that was
// opened as source with opt. Epochs or Steps, Batch and LR are the recipe's and the
// rest are defaults, all to be changed before the run is made.
func NewConfig(rec model.Recipe, c model.Config, set *data.Set, source string, opt data.Options) (Config, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return Config{}, fmt.Errorf("train: config of %s: %w", rec.Name, err)
	}
	h, w, ch := set.Shape()
	imago, goVersion := Versions()
	epochs := rec.Train.Epochs
	if rec.Train.Steps > 0 {
		epochs = 0
	}
	return Config{
		Format: Format, Imago: imago, Go: goVersion,
		Recipe: rec.Name, Kind: rec.Kind, Model: raw,
		Data: Data{
			Source: source, Name: set.Name, Digest: set.Digest, Image: [3]int{h, w, ch}, Train: set.Train.Len(), Test: set.Test.Len(), Labels: set.LabelNames(), Columns: set.Columns,
			Size: opt.Size, Crop: opt.Crop, Gray: opt.Gray, Seed: opt.Seed, TestFraction: opt.TestFraction, Without: opt.Without, Label: opt.Label,
		},
		Epochs: epochs, Steps: rec.Train.Steps, Batch: rec.Train.Batch, LR: rec.Train.LearningRate, Schedule: rec.Train.Schedule, LogSteps: rec.Train.LogSteps, Seed: 1,
		Checkpoints: Checkpoints{Keep: 3, Seconds: 60},
		Pictures:    5,
	}, nil
}

// Versions returns those of this program, as its build says, and of Go.
func Versions() (imago, goVersion string) {
	imago = "devel"
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		imago = b.Main.Version
	}
	return imago, runtime.Version()
}

// Image returns the shape of the images.
func (c Config) Image() model.Image {
	return model.Image{H: c.Data.Image[0], W: c.Data.Image[1], C: c.Data.Image[2]}
}

// Input returns the data that the model is built for.
func (c Config) Input() model.Input { return model.Input{Image: c.Image(), Labels: len(c.Data.Labels)} }

// Build makes the model, and finds here what its stages leave no epoch for. The
// registry must have its kind.
func (c Config) Build(models *model.Registry) (*model.Model, error) {
	k, err := models.Kind(c.Kind)
	if err != nil {
		return nil, err
	}
	mc, err := k.Decode(c.Model)
	if err != nil {
		return nil, err
	}
	m, err := mc.New(c.Input())
	if err != nil {
		return nil, err
	}
	if _, err := stagesOf(m, &c); err != nil {
		return nil, err
	}
	return m, nil
}

// Validate reports every fault, one a line.
func (c Config) Validate() error {
	var faults []error
	bad := func(ok bool, format string, a ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("train: "+format, a...))
		}
	}
	bad(c.Format == Format, "format %d: this imago reads %d", c.Format, Format)
	bad(c.Recipe != "" && c.Kind != "", "recipe %q of kind %q: want both named", c.Recipe, c.Kind)
	bad(json.Valid(c.Model), "the model's configuration is not JSON")
	img := c.Image()
	bad(img.H >= 1 && img.W >= 1 && (img.C == 1 || img.C == 3) && img.H <= data.MaxSize && img.W <= data.MaxSize,
		"images of %v: want sides of 1 to %d and 1 or 3 channels", img, data.MaxSize)
	bad(c.Data.Train >= 1 && c.Data.Test >= 0, "%d training and %d test images: want at least one to train on", c.Data.Train, c.Data.Test)
	bad(c.Epochs >= 1 || c.Epochs == 0 && c.Steps != 0, "--epochs %d: want 1 or more", c.Epochs)
	bad(c.Steps >= 0 && c.Steps <= math.MaxInt32, "--steps %d: want 1 to %d, or 0 to go by --epochs", c.Steps, math.MaxInt32)
	bad(c.Epochs == 0 || c.Steps == 0, "--epochs %d and --steps %d: want one of them, which says how long the run is", c.Epochs, c.Steps)
	bad(c.Batch >= 1 && c.Batch <= 1<<16, "--batch %d: want 1 to %d", c.Batch, 1<<16)
	bad(c.LR > 0 && c.LR <= math.MaxFloat32, "--lr %v: want a number above 0, as 0.001", c.LR)
	if _, err := optim.ParseSchedule(c.Schedule); err != nil {
		faults = append(faults, fmt.Errorf("train: --schedule: %w", err))
	}
	bad(c.LogSteps >= 0, "--log-steps %d: want a number of steps, or 0 (each epoch)", c.LogSteps)
	if err := c.Measure.validate(); err != nil {
		faults = append(faults, fmt.Errorf("train: %w", err))
	}
	bad(c.Checkpoints.Keep >= 0, "--keep %d: want 0 (all) or more", c.Checkpoints.Keep)
	bad(c.Checkpoints.Seconds >= 0, "--checkpoint-every %v seconds: want 0 (each epoch only) or more", c.Checkpoints.Seconds)
	bad(c.Checkpoints.Steps >= 0, "--checkpoint-steps %d: want 0 (each epoch only) or more", c.Checkpoints.Steps)
	bad(c.Pictures >= -1, "--pictures-every %d: want a number of epochs, 0 (at the end only) or -1 (never)", c.Pictures)
	return errors.Join(faults...)
}

// Decode reads a Config from its JSON. An unknown field, something after the end
// and what Validate reports are errors.
func Decode(b []byte) (Config, error) {
	var c Config
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("train: not the configuration of a run: %w", err)
	}
	if rest := bytes.TrimSpace(b[d.InputOffset():]); len(rest) > 0 {
		return Config{}, fmt.Errorf("train: not the configuration of a run: offset %d: %.8q after the end", d.InputOffset(), rest)
	}
	if len(c.Model) == 0 {
		return Config{}, errors.New("train: not the configuration of a run: it has no model")
	}
	var model bytes.Buffer
	if err := json.Compact(&model, c.Model); err != nil {
		return Config{}, fmt.Errorf("train: the model's configuration: %w", err)
	}
	c.Model = model.Bytes()
	return c, c.Validate()
}

// encode returns the JSON of c: indented for run.json.
func (c Config) encode(indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return b.Bytes(), nil
}
