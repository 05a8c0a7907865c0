// Package runtest has what tests of training runs share: small sets of drawn digits, a
// registry of kinds, runs, and digests by which runs are compared. Only tests import it.
package runtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// Registry returns the kinds of models with which runs are tested.
func Registry() *model.Registry {
	r := &model.Registry{}
	r.Media.Register(pixels.Kind())
	r.Register(vae.MLPVAE())
	r.Register(vae.CNNVAE())
	r.Register(vae.MLPAE())
	r.Register(vae.MLPCVAE())
	r.Register(vae.M2())
	r.Register(gan.DenseGAN())
	r.Register(gan.DCGAN())
	r.Register(gan.InfoGAN())
	r.Register(Staged())
	return r
}

// drawDigits returns n labelled digits.
func drawDigits(n int, name string) (data.Split, error) {
	pix, labels := make([]uint8, n*digits.Side*digits.Side), make([]int32, n)
	key := rng.New(4).Split(name)
	for i := range n {
		labels[i] = int32(i % 10)
		if err := digits.Draw(key.At(uint64(i)), i%10, pix[i*digits.Side*digits.Side:]); err != nil {
			return data.Split{}, err
		}
	}
	m, err := data.NewInMemory(pix, n, pixels.Item(digits.Side, digits.Side, 1))
	return data.Split{Items: m, Labels: labels}, err
}

// Small returns a set of so many training and test images.
func Small(train, test int) (*data.Set, error) {
	s := &data.Set{Name: "few digits", Digest: fmt.Sprintf("%dand%d", train, test)}
	for c := range 10 {
		s.Classes = append(s.Classes, fmt.Sprint(c))
	}
	var err error
	if s.Train, err = drawDigits(train, "train"); err != nil {
		return nil, err
	}
	s.Test, err = drawDigits(test, "test")
	return s, err
}

// Must returns v, and panics on an error.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Config returns a run of a recipe on set, with options of the model set.
func Config(recipe string, set *data.Set, options ...string) runlog.Config {
	r := Registry()
	rec := Must(r.Recipe(recipe))
	mc := Must(r.Config(rec))
	for _, f := range model.Flags(mc) {
		for i := 0; i < len(options); i += 2 {
			if f.Name == options[i] {
				if err := f.Set(options[i+1]); err != nil {
					panic(err)
				}
			}
		}
	}
	c := Must(runlog.NewConfig(rec, mc, set, "digits", data.Options{}))
	c.Epochs, c.Steps, c.LogSteps, c.Batch, c.Pictures, c.Checkpoints.Seconds = 3, 0, 0, 64, -1, 0
	return c
}

// NewRun creates a run in a folder of the test.
func NewRun(t testing.TB, c runlog.Config) *runlog.Run {
	t.Helper()
	r, err := runlog.Create(t.TempDir(), "", c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Digest returns the SHA-256 of all of the newest checkpoint, and of the log less what
// depends on the clock.
func Digest(dir string) (checkpoint, log string, err error) {
	run, err := runlog.Open(dir, "")
	if err != nil {
		return "", "", err
	}
	return DigestOf(run)
}

// DigestOf returns what Digest does, of a run on any system.
func DigestOf(run *runlog.Run) (checkpoint, log string, err error) {
	in := run.Checkpoints()
	f, err := ckpt.Latest(in)
	if err != nil {
		return "", "", err
	}
	h := sha256.New()
	for _, name := range []string{ckpt.WeightsFile, ckpt.OptimizerFile, ckpt.StateFile} {
		b, err := in.ReadFile(f.Name+"/"+name, 1<<30)
		if err != nil {
			return "", "", err
		}
		h.Write(b)
	}
	lines, err := run.Lines()
	if err != nil {
		return "", "", err
	}
	var text bytes.Buffer
	for _, l := range lines {
		l.ImagesPerSec, l.Waited, l.Seconds = 0, 0, 0
		fmt.Fprintf(&text, "%+v\n", l)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), text.String(), nil
}

// A Trap is training images that are not in memory: OnRead may count the reads, end
// the run or fail.
type Trap struct {
	data.Items
	OnRead func(i int) error
}

// At reads an image after OnRead.
func (s Trap) At(i int, dst []uint8) error {
	if err := s.OnRead(i); err != nil {
		return err
	}
	return s.Items.At(i, dst)
}

// Trapped returns a set whose training images call at when they are read.
func Trapped(set *data.Set, at func(i int) error) *data.Set {
	s := *set
	s.Train.Items = Trap{set.Train.Items, at}
	return &s
}

// LoadWeights reads the checkpoint in a folder, without its optimiser, or a file of weights.
func LoadWeights(path string) (*ckpt.Checkpoint, error) {
	return ckpt.LoadWeights(ckpt.Dir(filepath.Dir(path)), filepath.Base(path))
}

// WeightsOf returns the newest weights of a run, as text.
func WeightsOf(t testing.TB, r *runlog.Run) string {
	t.Helper()
	f, err := ckpt.Latest(r.Checkpoints())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("step %d: %x", f.State.Step, folded(f.Weights))
}

// folded returns the bits of tensors, folded.
func folded(of map[string]*tensor.Tensor) uint64 {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(of)) {
		binary.Write(h, binary.LittleEndian, of[name].F32())
	}
	return h.Sum64()
}

// Stepping returns a run of so many steps of three an epoch: 64 + 64 + 22 images.
func Stepping(recipe string, steps int) runlog.Config {
	c := Config(recipe, Must(Small(150, 30)), "hidden", "16", "filters", "2,3")
	c.Epochs, c.Steps = 0, steps
	return c
}
