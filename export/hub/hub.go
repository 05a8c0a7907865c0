// Package hub writes a trained model as a folder for a hub of models: the weights as safetensors, the configuration, a card, a
// picture, and a program of PyTorch that gives the same pictures.
//
//	written, err := hub.Write(ctx, trained, "digits-vae")
//
// The folder holds
//
//	model.safetensors  the weights, under imago's names, with recipe and configuration in the metadata
//	config.json        the same configuration, for people and other programs
//	load.py            ten lines of PyTorch that read the weights, without pickle, and run what layers.json lists
//	layers.json        the layers by which it encodes and decodes, as data
//	README.md          the card: use, data, training, figures with their protocols, limits, licences
//	thumbnail.png      what the model generates
//
// train.OpenModel opens such a folder, and so do all commands. What is written names no folder of this machine. load.py is
// the same for all models, and layers.json is written from the graphs of one; a network whose graph has what cannot be said
// in it is left out, and the card says why.
//
// The package knows no concrete model and no command.
package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// The files of the folder besides train.HubWeights and train.HubConfig.
const (
	loaderFile    = "load.py"
	layersFile    = "layers.json"
	cardFile      = "README.md"
	thumbnailFile = "thumbnail.png"
)

// thumbnails are the pictures of the thumbnail.
const thumbnails = 36

// A hubModel is what the files are written of.
type hubModel struct {
	*train.Trained
	config    runlog.Config // without places on this machine
	functions []pytorch     // of layers.json
	left      []string      // why other networks are not in it
	records   []eval.Record
	line      *runlog.Line // of the epoch at whose end the weights were saved; nil = there is none with test metrics
	thumbnail bool
}

// Write writes the folder dir, which must not be there, or must be empty or one that Write wrote. It returns what was
// written.
func Write(ctx context.Context, t *train.Trained, dir string) ([]export.Written, error) {
	if t.Config.Recipe == "" || len(t.Config.Model) == 0 {
		return nil, fmt.Errorf("hub: the configuration of the model is not known: name a run, or a file of weights that holds it")
	}
	if err := free(dir); err != nil {
		return nil, err
	}
	m := &hubModel{Trained: t, config: public(t.Config)}
	raw, err := m.config.Encode("")
	if err != nil {
		return nil, err
	}
	weights := map[string]*tensor.Tensor{}
	for _, p := range t.Model().Params {
		if weights[p.Name], err = t.Runner().Get(p.Name); err != nil {
			return nil, fmt.Errorf("hub: %w", err)
		}
	}
	if err := m.readRun(); err != nil {
		return nil, err
	}
	lines, program := m.layers(), loader
	if lines == nil {
		program = nil
	}
	picture, err := m.picture(ctx)
	if err != nil {
		return nil, err
	}
	config, err := json.MarshalIndent(configFile{Library: "imago", Format: 1, Recipe: m.config.Recipe, Step: t.Step, Shape: t.Item().Shape, Config: raw}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	state := ckpt.State{Imago: m.config.Imago, Recipe: m.config.Recipe, Config: raw, Step: t.Step}
	if err := ckpt.WriteWeights(at(train.HubWeights), &ckpt.Checkpoint{State: state, Weights: weights}); err != nil {
		return nil, err
	}
	written := []export.Written{{Name: at(train.HubWeights), About: english.Plural(len(weights), "parameter") + " of " + m.config.Recipe}}
	for _, f := range []struct {
		name, about string
		content     []byte
	}{
		{train.HubConfig, "the configuration", append(config, '\n')},
		{loaderFile, "a loader of ten lines for PyTorch", program},
		{layersFile, "the layers for it: " + m.calls(), lines},
		{thumbnailFile, "generated pictures", picture},
		{cardFile, "the card, to be completed: licences, purpose", m.card()},
	} {
		if f.content == nil {
			continue
		}
		if err := atomicfile.WriteBytes(at(f.name), f.content); err != nil {
			return written, fmt.Errorf("hub: %w", err)
		}
		written = append(written, export.Written{Name: at(f.name), About: f.about})
	}
	return written, nil
}

// A configFile is config.json.
type configFile struct {
	Library string          `json:"library_name"`
	Format  int             `json:"format"`
	Recipe  string          `json:"model_type"`
	Step    int64           `json:"step"`
	Shape   []int           `json:"shape"` // of an item
	Config  json.RawMessage `json:"config"`
}

// free returns an error if dir has files that Write does not write.
func free(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return fmt.Errorf("hub: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case train.HubWeights, train.HubConfig, loaderFile, layersFile, cardFile, thumbnailFile, ".git", ".gitattributes":
		default:
			return fmt.Errorf("hub: %s has other files, as %s: name a new folder", dir, e.Name())
		}
	}
	return nil
}

// public returns a configuration without places on this machine.
func public(c runlog.Config) runlog.Config {
	base := func(path string) string {
		if path == "" {
			return ""
		}
		return filepath.Base(path)
	}
	c.Data.Source, c.Data.Path, c.Data.Name, c.Data.Notes = base(c.Data.Source), "", base(c.Data.Name), nil
	if c.Init != nil {
		in := *c.Init
		in.Source, in.Path = base(in.Source), ""
		c.Init = &in
	}
	return c
}

// readRun reads the log and the scores of the run that the model belongs to.
func (m *hubModel) readRun() error {
	if m.Run == "" {
		return nil
	}
	run, err := runlog.Open(m.Run, "")
	if err != nil {
		return err
	}
	err = run.EachLine(func(l runlog.Line) {
		if m.line == nil && l.Step == m.Step && len(l.Test) > 0 {
			m.line = &l
		}
	}, runlog.EpochLine)
	if err != nil {
		return err
	}
	all, err := eval.ReadRecords(filepath.Join(m.Run, eval.RecordsFile))
	for _, r := range all {
		if r.Provenance.Step == m.Step {
			m.records = append(m.records, r)
		}
	}
	return err
}

// layers returns layers.json, a line a layer; nil if no network can be written in it.
func (m *hubModel) layers() []byte {
	var networks []string
	for _, n := range export.Networks(m.Trained) {
		name := map[string]string{export.Encoder: "encode", export.Decoder: "decode", export.Generator: "decode"}[n.Name]
		if name == "" {
			continue
		}
		f, err := n.Build(1)
		var lines []string
		if err == nil {
			lines, err = layers(n.Build)
		}
		if err != nil {
			m.left = append(m.left, fmt.Sprintf("the %s: %v", n.Name, err))
			continue
		}
		p := pytorch{name: name}
		for _, in := range f.Inputs {
			p.inputs = append(p.inputs, in.Name())
		}
		for _, o := range f.Outputs {
			p.outputs = append(p.outputs, o.Name)
		}
		m.functions = append(m.functions, p)
		networks = append(networks, fmt.Sprintf("%q: [\n  %s\n]", name, strings.Join(lines, ",\n  ")))
	}
	if len(networks) == 0 {
		return nil
	}
	return []byte("{\n" + strings.Join(networks, ",\n") + "\n}\n")
}

// A pytorch is a network in layers.json: the names of what it takes and gives.
type pytorch struct {
	name            string
	inputs, outputs []string
}

// calls returns the calls of Python that compute the networks of layers.json.
func (m *hubModel) calls() string {
	var calls []string
	for _, p := range m.functions {
		calls = append(calls, p.String())
	}
	return strings.Join(calls, ", ")
}

// String returns the call of Python that computes the network.
func (p pytorch) String() string {
	call := fmt.Sprintf("run(%q", p.name)
	for _, in := range p.inputs {
		call += fmt.Sprintf(", %s=%[1]s", in)
	}
	return call + ", **weights)"
}

// picture returns the thumbnail, nil of a model that generates nothing.
func (m *hubModel) picture(ctx context.Context) ([]byte, error) {
	if m.Model().Decode == nil && m.Model().Sample == nil {
		return nil, nil
	}
	n := thumbnails
	var labels []float32
	if k := m.SampleLabels(); k > 0 {
		labels = make([]float32, n*k)
		for i := range n {
			labels[i*k+i%k] = 1
		}
	}
	values, err := m.Sample(ctx, rng.New(1), n, labels)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	img, err := viz.Grid(m.Item(), values, 9, viz.GridOptions{MaxPixels: 1 << 18})
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	m.thumbnail = true
	return b.Bytes(), nil
}
