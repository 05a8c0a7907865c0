package ckpt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
)

// Keys of the metadata of weights.safetensors.
const (
	metaImago  = "imago"
	metaRecipe = "recipe"
	metaConfig = "config"
	metaStep   = "step"
)

// Load reads the checkpoint of that name in the folder and compares every byte of it with the checksums.
func Load(in Folder, name string) (*Checkpoint, error) {
	c, err := load(in, name, true)
	return c, explain(in, name, err)
}

// LoadState reads state.json of the checkpoint of that name, and no tensor.
func LoadState(in Folder, name string) (*State, error) {
	s, err := loadState(in, name)
	return s, explain(in, name, err)
}

func loadState(in Folder, name string) (*State, error) {
	name, err := currentName(in, name)
	if err != nil {
		return nil, err
	}
	c, err := loadContent(in, name)
	if err != nil {
		return nil, err
	}
	return &c.State, nil
}

// LoadWeights reads the parameters, which is all that using a model takes. Name is that of a checkpoint in the folder, or
// of a weights file on its own: then the State has only Imago, Recipe, Config and Step, from the metadata of the file;
// Recipe is empty if imago did not write the file. Values that are not finite are an error.
func LoadWeights(in Folder, name string) (*Checkpoint, error) {
	st, err := in.Stat(name)
	if err != nil || st.IsDir() { // a folder that is missing may have its other name
		c, err := load(in, name, false)
		return c, explain(in, name, err)
	}
	file := in.Path(name)
	w, meta, err := safetensors.ReadIn(in, name)
	if err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	if err := checkFinite(file, w); err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	c := &Checkpoint{Weights: w}
	if c.State, err = stateOf(file, meta); err != nil {
		return nil, err
	}
	return c, nil
}

// WeightsState returns what a file of weights says of them, without reading them.
func WeightsState(in Folder, name string) (State, error) {
	f, err := in.Open(name)
	if err != nil {
		return State{}, fmt.Errorf("ckpt: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return State{}, fmt.Errorf("ckpt: %w", err)
	}
	r, err := safetensors.NewReader(in.Path(name), f, st.Size())
	if err != nil {
		return State{}, fmt.Errorf("ckpt: %w", err)
	}
	return stateOf(in.Path(name), r.Metadata())
}

// stateOf returns what the metadata of a file of weights say.
func stateOf(file string, meta map[string]string) (s State, err error) {
	s = State{Imago: meta[metaImago], Recipe: meta[metaRecipe]}
	if c := meta[metaConfig]; c != "" {
		if !json.Valid([]byte(c)) {
			return s, fmt.Errorf("ckpt: %s: the metadata hold a config that is not JSON: %.40q", file, c)
		}
		s.Config = json.RawMessage(c)
	}
	if n := meta[metaStep]; n != "" {
		if s.Step, err = strconv.ParseInt(n, 10, 64); err != nil {
			return s, fmt.Errorf("ckpt: %s: the metadata hold step %q, want a number", file, n)
		}
	}
	return s, nil
}

// explain adds the name of the package and the remedy to an error.
func explain(in Folder, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("ckpt: %w; use the imago that saved it, or train again", err)
	case !errors.Is(err, ErrDamaged):
		return fmt.Errorf("ckpt: %w", err)
	}
	if prev := previous(in, name); prev != "" {
		return option.Errorf("ckpt: %w; use the previous checkpoint: {Checkpoint} %s", err, screen.ShellName(in.Path(prev)))
	}
	return fmt.Errorf("ckpt: %w; there is none before it: train again", err)
}

// previous returns the checkpoint before the one of that name, or "".
func previous(in Folder, name string) string {
	step, ok := parseName(name)
	if !ok {
		return ""
	}
	names, _ := List(in)
	prev := ""
	for _, name := range names {
		if s, _ := parseName(name); s < step {
			prev = name
		}
	}
	return prev
}

// currentName returns the folder that holds the checkpoint of that name: another one while it is being replaced.
func currentName(in Folder, name string) (string, error) {
	there, err := in.Exists(name)
	if err != nil || there {
		return name, err
	}
	old := oldPrefix + name
	if there, err = in.Exists(old); err != nil || !there {
		return name, err
	}
	return old, nil
}

func load(in Folder, name string, optimizer bool) (*Checkpoint, error) {
	name, err := currentName(in, name)
	if err != nil {
		return nil, err
	}
	content, err := loadContent(in, name)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{State: content.State}
	for _, f := range []struct {
		name string
		to   *map[string]*tensor.Tensor
		want bool
	}{{WeightsFile, &c.Weights, true}, {OptimizerFile, &c.Optimizer, optimizer}} {
		if f.want {
			if *f.to, err = loadFile(in, path.Join(name, f.name), content.Files[f.name]); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func loadContent(in Folder, name string) (*content, error) {
	if _, err := in.Stat(name); err != nil {
		return nil, err
	}
	file := path.Join(name, StateFile)
	b, err := in.ReadFile(file, maxState)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing(in, file)
	case errors.Is(err, disk.ErrTooLong):
		return nil, fmt.Errorf("%s: %w: longer than %d bytes", in.Path(file), ErrDamaged, maxState)
	case err != nil:
		return nil, err
	}
	c, err := decodeState(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Path(file), err)
	}
	return c, nil
}

// missing returns the error of a file of a checkpoint that is not there, which is damage.
func missing(in Folder, file string) error {
	return fmt.Errorf("%s: %w, or is none: there is no such file", in.Path(file), ErrDamaged)
}

// loadFile reads the tensors of a file, whose length and checksum it compares with want.
func loadFile(in Folder, file string, want digest) (map[string]*tensor.Tensor, error) {
	f, err := in.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(in, file)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return nil, err
	}
	if n != want.Bytes {
		return nil, fmt.Errorf("%s: %w: %d bytes, want %d", in.Path(file), ErrDamaged, n, want.Bytes)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want.SHA256 {
		return nil, fmt.Errorf("%s: %w: its SHA-256 is %.12s…, want %.12s…", in.Path(file), ErrDamaged, got, want.SHA256)
	}
	s, err := safetensors.NewReader(in.Path(file), f, n)
	if err != nil {
		return nil, err
	}
	return s.All()
}
