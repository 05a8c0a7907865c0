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
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/atomicfile"
)

// Folders beside a checkpoint called X: .tmp-X-… is being written or removed and may be anything; .old-X is whole, and
// is read as X while a new X takes its place.
const (
	tmpPrefix = ".tmp-"
	oldPrefix = ".old-"
)

// trace is called with each thing done to the disk, before it is done, and after for "synced". Tests crash in it.
var trace = func(event, path string) {}

// Save writes c to the folder dir, which appears whole or not at all and is on the disk when Save returns nil. A
// checkpoint that is there already stays as it is if it is the same, and is replaced otherwise. What Check reports is
// refused, and nothing is written then.
func Save(dir string, c *Checkpoint) error {
	dir = filepath.Clean(dir)
	if err := c.Check(); err != nil {
		return fmt.Errorf("ckpt: %s: not saved: step %d: %w", dir, c.State.Step, err)
	}
	parent, base := filepath.Split(dir)
	if parent == "" {
		parent = "."
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("ckpt: %w", err)
	}
	trace("mkdir", parent)
	tmp, err := os.MkdirTemp(parent, tmpPrefix+base+"-")
	if err != nil {
		return fmt.Errorf("ckpt: %w", err)
	}
	err = write(tmp, c)
	if err == nil {
		err = place(tmp, dir)
	}
	if err != nil {
		os.RemoveAll(tmp)
		return fmt.Errorf("ckpt: %s: not saved: %w", dir, err)
	}
	return nil
}

// write fills the folder tmp.
func write(tmp string, c *Checkpoint) error {
	if err := os.Chmod(tmp, 0o755); err != nil { // MkdirTemp makes it readable by the user alone
		return err
	}
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
		{WeightsFile, c.Weights, map[string]string{
			metaImago: s.Imago, metaRecipe: s.Recipe, metaConfig: config, metaStep: strconv.FormatInt(s.Step, 10)}},
		{OptimizerFile, c.Optimizer, nil},
	} {
		d, err := writeFile(tmp, f.name, func(w io.Writer) error { return safetensors.Write(w, f.tensors, f.meta) })
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
	return syncDir(tmp)
}

func compact(raw []byte) (string, error) {
	b, err := marshal(json.RawMessage(raw), "")
	return string(b), err
}

// writeFile writes and syncs one file. Its errors name the file without the temporary folder.
func writeFile(tmp, name string, fill func(io.Writer) error) (digest, error) {
	path := filepath.Join(tmp, name)
	trace("create", path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return digest{}, fmt.Errorf("%s: %w", name, cause(err))
	}
	w := &counter{w: f, path: path, hash: sha256.New()}
	buf := bufio.NewWriterSize(w, 64<<10)
	err = fill(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		trace("sync", path)
		err = f.Sync()
		trace("synced", path)
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
	path string
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	trace("write", c.path)
	n, err := c.w.Write(p)
	c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// place gives the folder tmp the name dir.
func place(tmp, dir string) error {
	parent, base := filepath.Split(dir)
	old := filepath.Join(parent, oldPrefix+base)
	if exists(dir) {
		if sameCheckpoint(tmp, dir) {
			return os.RemoveAll(tmp)
		}
		if exists(old) { // the end of an earlier replacement was not reached
			if err := remove(old); err != nil {
				return err
			}
		}
		if err := rename(dir, old); err != nil {
			return err
		}
	}
	if err := rename(tmp, dir); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if exists(old) {
		return remove(old)
	}
	return nil
}

// sameCheckpoint reports whether the folder b, which may be damaged, holds what a holds. Equal states name equal
// checksums, so it is enough that b agrees with its own.
func sameCheckpoint(a, b string) bool {
	x, err1 := os.ReadFile(filepath.Join(a, StateFile))
	y, err2 := os.ReadFile(filepath.Join(b, StateFile))
	if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
		return false
	}
	_, err := load(b, true)
	return err == nil
}

// remove removes a folder in one step, so that a reader never finds half of it under its name.
func remove(dir string) error {
	parent, base := filepath.Split(dir)
	tmp := filepath.Join(parent, tmpPrefix+strings.TrimPrefix(base, oldPrefix)+"-removed")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := rename(dir, tmp); err != nil {
		return err
	}
	trace("remove", tmp)
	return os.RemoveAll(tmp)
}

// sweep removes what killed processes left: the folders of dir whose names begin with prefix.
func sweep(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			trace("sweep", filepath.Join(dir, e.Name()))
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func rename(from, to string) error {
	trace("rename", from)
	return os.Rename(from, to)
}

func syncDir(dir string) error {
	trace("sync", dir)
	return atomicfile.SyncDir(dir)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
