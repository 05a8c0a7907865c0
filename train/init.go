package train

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/torch"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/internal/weightfile"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/transfer"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// NewInit returns what a run records of the initial weights at path: of a run, of which the
// best checkpoint is taken, of a checkpoint, or a file. It is for Config.Init. It fails
// unless the file has every parameter of m in its shape, and names each that it has not. Of a
// file of another framework, the arrays are found as package models/transfer does; it fails
// where that leaves a doubt. source is what the user calls path.
func NewInit(source, path string, m *model.Model) (*runlog.Init, error) {
	if _, err := disk.Stat(filepath.Join(path, runlog.ConfigFile)); err == nil {
		run, err := runlog.Open(path, "")
		if err != nil {
			return nil, err
		}
		best, err := ckpt.Best(run.Checkpoints())
		if err != nil {
			return nil, err
		}
		if len(best.Skipped) > 0 {
			return nil, option.Errorf("train: {Init} %s: %w: what it says of the best checkpoint is not known; name a checkpoint: {Init} %s", source, best.Skipped[0].Err, screen.ShellName(run.Checkpoints().Path(best.Name)))
		}
		path = run.Checkpoints().Path(best.Name)
	}
	if info, err := disk.Stat(path); err == nil && info.IsDir() {
		name := ckpt.WeightsFile
		if _, err := disk.Stat(filepath.Join(path, HubWeights)); err == nil {
			name = HubWeights
		}
		path = filepath.Join(path, name)
	}
	path, err := disk.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	in := &runlog.Init{Source: source, Path: path}
	c, err := readWeights(in, m)
	if err != nil {
		return nil, err
	}
	in.Recipe, in.Step = c.State.Recipe, c.State.Step
	if in.Foreign {
		return in, checkWeights(in, c.Weights, m)
	}
	known := maps.Collect(nn.Shapes(m.Params))
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		if known[name] == nil {
			in.Unused = append(in.Unused, name)
		}
	}
	return in, checkWeights(in, c.Weights, m)
}

// names returns the names of the parameters of a model.
func names(m *model.Model) []string {
	var all []string
	for _, p := range m.Params {
		all = append(all, p.Name)
	}
	return all
}

// readWeights reads the file of in for model m, and sets its digest, or compares the digest if
// there is one.
func readWeights(in *runlog.Init, m *model.Model) (*ckpt.Checkpoint, error) {
	folder, name := disk.At(filepath.Dir(in.Path)), filepath.Base(in.Path)
	f, err := folder.Open(name)
	if err != nil {
		return nil, option.Errorf("train: {Init} %s: %w", in.Source, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, option.Errorf("train: {Init} %s: %w", in.Source, err)
	}
	digest := hex.EncodeToString(h.Sum(nil))
	if in.Digest != "" && in.Digest != digest {
		return nil, option.Errorf("train: {Init} %s: %s is not what it was when the run was made: its SHA-256 is %.12s…, want %.12s…; make the run anew", in.Source, in.Path, digest, in.Digest)
	}
	in.Digest = digest
	if c, err := readForeign(in, m); c != nil || err != nil {
		return c, err
	}
	c, err := ckpt.LoadWeights(folder, name)
	if err != nil {
		return nil, option.Errorf("train: {Init} %s: %w", in.Source, err)
	}
	return c, nil
}

// readForeign reads the file of in if it is one of another framework; else it returns nil. What
// is neither is left to the reader of imago's own files, and to its errors.
func readForeign(in *runlog.Init, m *model.Model) (*ckpt.Checkpoint, error) {
	f, err := weightfile.Open([]string{in.Path}, "")
	if err != nil {
		if errors.Is(err, weightfile.ErrKeras) || errors.Is(err, torch.ErrUnsupported) || errors.Is(err, torch.ErrFormat) {
			return nil, option.Errorf("train: {Init} %s: %w", in.Source, err)
		}
		return nil, nil
	}
	defer f.Close()
	for _, p := range m.Params {
		if f.Imago || slices.ContainsFunc(f.Arrays, func(a transfer.Array) bool { return a.Name == p.Name }) {
			return nil, nil
		}
	}
	found, err := transfer.Find(m, f.File, false)
	if err != nil {
		return nil, option.Errorf("train: {Init} %s: %w; imago import shows the table, and makes a file of weights of one that is corrected", in.Source, err)
	}
	weights, err := found.Apply(m, f.File, func(p nn.Param) *tensor.Tensor { return p.Draw(rng.New(0).Split("init")) })
	if err != nil {
		return nil, option.Errorf("train: {Init} %s: %w", in.Source, err)
	}
	in.Foreign, in.Unused = true, found.Unused
	return &ckpt.Checkpoint{Weights: weights}, nil
}

// checkWeights returns an error that names each parameter of m that is not among weights in
// its shape.
func checkWeights(in *runlog.Init, weights map[string]*tensor.Tensor, m *model.Model) error {
	var faults []string
	for _, p := range m.Params {
		switch w := weights[p.Name]; {
		case w == nil:
			faults = append(faults, fmt.Sprintf("%s %v is not in it", p.Name, p.Shape))
		case w.DType() != tensor.Float32:
			faults = append(faults, fmt.Sprintf("%s is of %v, want %v", p.Name, w.DType(), tensor.Float32))
		case !w.Shape().Equal(p.Shape):
			faults = append(faults, fmt.Sprintf("%s is %v in it, want %v", p.Name, w.Shape(), p.Shape))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	more := ""
	if len(in.Unused) > 0 {
		more = "; it has besides " + strings.Join(in.Unused, ", ")
	}
	of := ""
	if in.Recipe != "" {
		of = ", of " + in.Recipe + ","
	}
	return option.Errorf("train: {Init} %s: the weights%s do not fit the model: %s%s; want weights of a model of the same recipe, options and shape of items", in.Source, of, strings.Join(faults, ", "), more)
}

// setInit replaces the initial values of all parameters by the weights of Config.Init.
func (t *trainer) setInit() error {
	in := *t.config.Init
	c, err := readWeights(&in, t.Model)
	if err != nil {
		return err
	}
	if err := checkWeights(&in, c.Weights, t.Model); err != nil {
		return err
	}
	for _, p := range t.Model.Params {
		if err := t.runner.Set(p.Name, c.Weights[p.Name]); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// InitialWeights returns from where the initial weights of a new run were taken, and which;
// "" if they were drawn, or the run goes on from a checkpoint.
func (v *View) InitialWeights() string {
	in := v.t.config.Init
	if in == nil || v.Resumed() != "" {
		return ""
	}
	text := in.Source
	if in.Recipe != "" {
		text += fmt.Sprintf(", %s at step %s", in.Recipe, english.Thousands(float64(in.Step)))
	}
	var networks []string
	for _, name := range names(v.t.Model) {
		network, _, _ := strings.Cut(name, "/")
		if !slices.Contains(networks, network) {
			networks = append(networks, network)
		}
	}
	if in.Foreign {
		text += ", of another program"
	}
	text += fmt.Sprintf(" (SHA-256 %.12s): all %s, of %s", in.Digest, english.Plural(len(v.t.Model.Params), "tensor"), strings.Join(networks, " and "))
	if len(in.Unused) > 0 {
		text += "; not taken, as the model has no place for them: " + strings.Join(in.Unused, ", ")
	}
	return text
}
