package ckpt

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/atomicfile"
)

// Folders beside a checkpoint called X: .tmp-X-… is being written or removed and may be anything; .old-X is whole, and
// is read as X while a new X takes its place; damaged-X is what was found damaged when the run was resumed.
const (
	tmpPrefix     = ".tmp-"
	oldPrefix     = ".old-"
	damagedPrefix = "damaged-"
)

// Save writes c to the folder in, under the name of its step, which it returns. The checkpoint appears whole or not at
// all and is on the disk when Save returns nil. One that is there already stays as it is if it is the same, and is
// replaced otherwise. What Check reports is refused, and nothing is written then.
func Save(in Folder, c *Checkpoint) (name string, err error) {
	name = Name(c.State.Step)
	if err := c.Check(); err != nil {
		return "", fmt.Errorf("ckpt: %s: not saved: step %d: %w", in.Path(name), c.State.Step, err)
	}
	if err := in.MkdirAll("."); err != nil {
		return "", fmt.Errorf("ckpt: %w", err)
	}
	tmp := fmt.Sprintf("%s%s-%08x", tmpPrefix, name, rand.Uint32())
	if err := in.Mkdir(tmp); err != nil {
		return "", fmt.Errorf("ckpt: %s: not saved: %w", in.Path(name), cause(err))
	}
	err = write(in.Sub(tmp), c)
	if err == nil {
		err = place(in, tmp, name)
	}
	if err != nil {
		in.RemoveAll(tmp)
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) && strings.Contains(pe.Path, tmp) {
			err = cause(err)
		}
		return "", fmt.Errorf("ckpt: %s: not saved: %w", in.Path(name), err)
	}
	return name, nil
}

// WriteWeights writes the parameters of c alone to the file called name, as in the file of weights of a checkpoint: with
// the recipe, the config and the step, so that LoadWeights reads them. What Check reports is refused.
func WriteWeights(name string, c *Checkpoint) error {
	err := atomicfile.Write(name, func(w io.Writer) error { return EncodeWeights(w, c) })
	if err != nil {
		return fmt.Errorf("ckpt: %s: not written: %w", name, cause(err))
	}
	return nil
}

// EncodeWeights writes what WriteWeights does to w.
func EncodeWeights(w io.Writer, c *Checkpoint) error {
	if err := c.Check(); err != nil {
		return err
	}
	config, err := compact(c.State.Config)
	if err != nil {
		return err
	}
	return safetensors.WriteSealed(w, c.Weights, c.State.metadata(config))
}

// metadata returns what a file of weights says of them; config is the compact form of Config.
func (s *State) metadata(config string) map[string]string {
	return map[string]string{metaImago: s.Imago, metaRecipe: s.Recipe, metaConfig: config, metaStep: strconv.FormatInt(s.Step, 10)}
}

// write fills the folder tmp.
func write(tmp Folder, c *Checkpoint) error {
	out := content{State: c.State, Files: map[string]digest{}}
	s := &c.State
	config, err := compact(s.Config)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		tensors map[string]*tensor.Tensor
		meta    map[string]string
	}{
		{WeightsFile, c.Weights, s.metadata(config)},
		{OptimizerFile, c.Optimizer, nil},
	} {
		d, err := writeFile(tmp, f.name, func(w io.Writer) error { return safetensors.WriteSealed(w, f.tensors, f.meta) })
		if err != nil {
			return err
		}
		out.Files[f.name] = d
	}
	state, err := out.encode()
	if err != nil {
		return err
	}
	if _, err := writeFile(tmp, StateFile, func(w io.Writer) error { _, err := w.Write(state); return err }); err != nil {
		return err
	}
	return tmp.SyncDir(".")
}

func compact(raw []byte) (string, error) {
	b, err := marshal(json.RawMessage(raw), "")
	return string(b), err
}

// writeFile writes and syncs one file. Its errors name the file without the temporary folder.
func writeFile(tmp Folder, name string, fill func(io.Writer) error) (digest, error) {
	f, err := tmp.Create(name)
	if err != nil {
		return digest{}, fmt.Errorf("%s: %w", name, cause(err))
	}
	w := &counter{w: f, hash: sha256.New()}
	buf := bufio.NewWriterSize(w, 64<<10)
	err = fill(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return digest{}, fmt.Errorf("%s: %w", name, cause(err))
	}
	return digest{Bytes: w.n, SHA256: hex.EncodeToString(w.hash.Sum(nil))}, nil
}

// cause returns the error of the system, without the name of a temporary file.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// counter hashes and counts what it writes.
type counter struct {
	w    io.Writer
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// place gives the folder tmp the name of a checkpoint.
func place(in Folder, tmp, name string) error {
	old := oldPrefix + name
	there, err := in.Exists(name)
	if err != nil {
		return err
	}
	if there {
		same, err := sameCheckpoint(in, tmp, name)
		if err != nil {
			return err
		}
		if same {
			return in.RemoveAll(tmp)
		}
		if err := recoverOld(in, old); err != nil { // the end of an earlier replacement was not reached
			return err
		}
		if err := in.Rename(name, old); err != nil {
			return err
		}
	}
	if err := in.Rename(tmp, name); err != nil {
		return err
	}
	if err := in.SyncDir("."); err != nil {
		return err
	}
	if !there {
		return nil
	}
	return remove(in, old)
}

// sameCheckpoint reports whether the folder b, which may be damaged, holds what a holds. Equal states name equal
// checksums, so it is enough that b agrees with its own.
func sameCheckpoint(in Folder, a, b string) (bool, error) {
	x, err := in.ReadFile(path.Join(a, StateFile), maxState)
	if err != nil {
		return false, err
	}
	y, err := in.ReadFile(path.Join(b, StateFile), maxState)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !bytes.Equal(x, y):
		return false, nil
	}
	_, err = load(in, b, true)
	if errors.Is(err, ErrDamaged) {
		return false, nil
	}
	return err == nil, err
}

// recoverOld ends a replacement whose end was not reached: old is removed if what has its name now is whole, and
// otherwise gets its name again.
func recoverOld(in Folder, old string) error {
	there, err := in.Exists(old)
	if err != nil || !there {
		return err
	}
	name := strings.TrimPrefix(old, oldPrefix)
	there, err = in.Exists(name)
	if err != nil {
		return err
	}
	if there {
		_, err := load(in, name, true)
		if err == nil {
			return remove(in, old)
		}
		if !errors.Is(err, ErrDamaged) {
			return err
		}
		if _, err := quarantine(in, name); err != nil {
			return err
		}
	}
	if err := in.Rename(old, name); err != nil {
		return err
	}
	return in.SyncDir(".")
}

// quarantine gives a damaged checkpoint another name, which it returns, so that somebody can look at it. The caller syncs
// the folder.
func quarantine(in Folder, name string) (string, error) {
	for n := 1; ; n++ {
		to := damagedPrefix + name
		if n > 1 {
			to += fmt.Sprintf("-%d", n)
		}
		there, err := in.Exists(to)
		if err != nil {
			return "", err
		}
		if there {
			continue
		}
		if err := in.Rename(name, to); err != nil {
			return "", err
		}
		return to, nil
	}
}

// remove removes a folder in one step, so that a reader never finds half of it under its name.
func remove(in Folder, name string) error {
	tmp := tmpPrefix + strings.TrimPrefix(name, oldPrefix) + "-removed"
	if err := in.RemoveAll(tmp); err != nil {
		return err
	}
	if err := in.Rename(name, tmp); err != nil {
		return err
	}
	// A power cut must not undo the new name and keep what is removed below it.
	if err := in.SyncDir("."); err != nil {
		return err
	}
	return in.RemoveAll(tmp)
}
