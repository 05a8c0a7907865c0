package ckpt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/option"
)

// Keys of the metadata of weights.safetensors.
const (
	metaImago  = "imago"
	metaRecipe = "recipe"
	metaConfig = "config"
	metaStep   = "step"
)

// Load reads the checkpoint in the folder dir and compares every byte of it with the checksums.
func Load(dir string) (*Checkpoint, error) {
	c, err := load(filepath.Clean(dir), true)
	return c, explain(dir, err)
}

// LoadState reads state.json of the checkpoint in the folder dir, and no tensor.
func LoadState(dir string) (*State, error) {
	c, err := loadContent(currentDir(filepath.Clean(dir)))
	if err != nil {
		return nil, explain(dir, err)
	}
	return &c.State, nil
}

// LoadWeights reads the parameters, which is all that using a model takes. Name is the folder of a checkpoint, or a
// weights file on its own: then the State has only Imago, Recipe, Config and Step, from the metadata of the file; Recipe
// is empty if imago did not write the file. Values that are not finite are an error.
func LoadWeights(name string) (*Checkpoint, error) {
	st, err := os.Stat(name)
	if err != nil || st.IsDir() { // a folder that is missing may have its other name
		c, err := load(filepath.Clean(name), false)
		return c, explain(name, err)
	}
	w, meta, err := safetensors.Read(name)
	if err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	if err := checkFinite(name, w); err != nil {
		return nil, fmt.Errorf("ckpt: %w", err)
	}
	c := &Checkpoint{Weights: w, State: State{Imago: meta[metaImago], Recipe: meta[metaRecipe]}}
	if s := meta[metaConfig]; s != "" {
		if !json.Valid([]byte(s)) {
			return nil, fmt.Errorf("ckpt: %s: the metadata hold a config that is not JSON: %.40q", name, s)
		}
		c.State.Config = json.RawMessage(s)
	}
	if s := meta[metaStep]; s != "" {
		if c.State.Step, err = strconv.ParseInt(s, 10, 64); err != nil {
			return nil, fmt.Errorf("ckpt: %s: the metadata hold step %q, want a number", name, s)
		}
	}
	return c, nil
}

// explain adds the name of the package and the remedy to an error.
func explain(dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("ckpt: %w; use the imago that saved it, or train again", err)
	case !errors.Is(err, ErrDamaged):
		return fmt.Errorf("ckpt: %w", err)
	}
	if prev := previous(dir); prev != "" {
		return option.Errorf("ckpt: %w; use the previous checkpoint: {Checkpoint} %s; or delete this one", err, prev)
	}
	return fmt.Errorf("ckpt: %w; there is none before it: delete it and train again", err)
}

// previous returns the checkpoint before dir in its folder, or "".
func previous(dir string) string {
	step, ok := parseName(filepath.Base(dir))
	if !ok {
		return ""
	}
	names, _ := List(filepath.Dir(dir))
	prev := ""
	for _, name := range names {
		if s, _ := parseName(filepath.Base(name)); s < step {
			prev = name
		}
	}
	return prev
}

// currentDir returns the folder that holds the checkpoint dir: another one while it is being replaced.
func currentDir(dir string) string {
	parent, base := filepath.Split(dir)
	if old := filepath.Join(parent, oldPrefix+base); !exists(dir) && exists(old) {
		return old
	}
	return dir
}

func load(dir string, optimizer bool) (*Checkpoint, error) {
	dir = currentDir(dir)
	in, err := loadContent(dir)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{State: in.State}
	for _, f := range []struct {
		name string
		to   *map[string]*tensor.Tensor
		want bool
	}{{WeightsFile, &c.Weights, true}, {OptimizerFile, &c.Optimizer, optimizer}} {
		if f.want {
			if *f.to, err = loadFile(filepath.Join(dir, f.name), in.Files[f.name]); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func loadContent(dir string) (*content, error) {
	name := filepath.Join(dir, StateFile)
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxState {
		return nil, fmt.Errorf("%s: %w: longer than %d bytes", name, ErrDamaged, maxState)
	}
	c, err := decodeState(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// open opens a file of a checkpoint, whose absence is damage.
func open(name string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w, or is none: there is no such file", name, ErrDamaged)
	}
	return f, err
}

// loadFile reads the tensors of a file, whose length and checksum it compares with want.
func loadFile(name string, want digest) (map[string]*tensor.Tensor, error) {
	f, err := open(name)
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
		return nil, fmt.Errorf("%s: %w: %d bytes, want %d", name, ErrDamaged, n, want.Bytes)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want.SHA256 {
		return nil, fmt.Errorf("%s: %w: its SHA-256 is %.12s…, want %.12s…", name, ErrDamaged, got, want.SHA256)
	}
	s, err := safetensors.NewReader(name, f, n)
	if err != nil {
		return nil, err
	}
	return s.All()
}
