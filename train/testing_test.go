package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// The tests train small models on a few drawn digits, on the real backend.

func registry() *model.Registry {
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
	r.Register(staged())
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

// small returns a set of so many training and test images.
func small(train, test int) (*data.Set, error) {
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// config returns a run of a recipe on set, with options of the model set.
func config(recipe string, set *data.Set, options ...string) runlog.Config {
	r := registry()
	rec := must(r.Recipe(recipe))
	mc := must(r.Config(rec))
	for _, f := range model.Flags(mc) {
		for i := 0; i < len(options); i += 2 {
			if f.Name == options[i] {
				if err := f.Set(options[i+1]); err != nil {
					panic(err)
				}
			}
		}
	}
	c := must(runlog.NewConfig(rec, mc, set, "digits", data.Options{}))
	c.Epochs, c.Steps, c.LogSteps, c.Batch, c.Pictures, c.Checkpoints.Seconds = 3, 0, 0, 64, -1, 0
	return c
}

func newRun(t testing.TB, c runlog.Config) *runlog.Run {
	t.Helper()
	r, err := runlog.Create(t.TempDir(), "", c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newJob(t testing.TB, r *runlog.Run, set *data.Set, threads int, out io.Writer) Job {
	t.Helper()
	be := cpu.New(threads)
	t.Cleanup(func() { be.Close() })
	return jobOn(r, set, be, out)
}

func jobOn(r *runlog.Run, set *data.Set, be backend.Backend, out io.Writer) Job {
	j := Job{Run: r, Model: must(r.Config.Build(registry())), Data: set, Backend: be}
	if out != nil {
		j.Reporter = NewReporter(out)
	}
	return j
}

// trained runs a run to its end.
func trained(t testing.TB, r *runlog.Run, set *data.Set, threads int) Result {
	t.Helper()
	res, err := Loop(context.Background(), newJob(t, r, set, threads, nil))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// digest returns the SHA-256 of all of the newest checkpoint, and of the log less what
// depends on the clock.
func digest(dir string) (checkpoint, log string, err error) {
	f, err := ckpt.Latest(filepath.Join(dir, runlog.CheckpointsDir))
	if err != nil {
		return "", "", err
	}
	h := sha256.New()
	for _, name := range []string{ckpt.WeightsFile, ckpt.OptimizerFile, ckpt.StateFile} {
		b, err := os.ReadFile(filepath.Join(f.Dir, name))
		if err != nil {
			return "", "", err
		}
		h.Write(b)
	}
	lines, err := runlog.ReadLog(dir)
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

func digestOf(t testing.TB, dir string) (checkpoint, log string) {
	t.Helper()
	c, l, err := digest(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

// trap is training images that are not in memory: at counts the reads, and may end
// the run or fail.
type trap struct {
	data.Items
	at func(i int) error
}

func (s trap) At(i int, dst []uint8) error {
	if err := s.at(i); err != nil {
		return err
	}
	return s.Items.At(i, dst)
}

func trapped(set *data.Set, at func(i int) error) *data.Set {
	s := *set
	s.Train.Items = trap{set.Train.Items, at}
	return &s
}

// interrupted goes on with a run until so many images are read, and returns how it ended.
func interrupted(t testing.TB, r *runlog.Run, set *data.Set, be backend.Backend, reads int64) *InterruptedError {
	t.Helper()
	var count atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := Loop(ctx, jobOn(must(runlog.Open(r.Dir, r.Config.Recipe)), trapped(set, func(int) error {
		if count.Add(1) == reads {
			cancel()
		}
		return nil
	}), be, nil))
	var stopped *InterruptedError
	if !errors.Is(err, ErrInterrupted) || !errors.As(err, &stopped) {
		t.Fatalf("interrupted: %v", err)
	}
	return stopped
}

// klOf returns KL(N(m, e^v) ‖ N(0, 1)).
func klOf(m, v float64) float64 { return (m*m + math.Exp(v) - v - 1) / 2 }
