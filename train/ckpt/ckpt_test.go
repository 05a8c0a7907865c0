package ckpt

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
)

// sample returns a checkpoint whose every number depends on the step.
func sample(t testing.TB, step int64) *Checkpoint {
	return sized(t, step, 7)
}

func sized(t testing.TB, step int64, n int) *Checkpoint {
	w := make([]float32, 3*n)
	for i := range w {
		w[i] = float32(step) + float32(i)/8
	}
	of := func(data []float32, shape ...int) *tensor.Tensor {
		x, err := tensor.FromSlice(data, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	count, err := tensor.FromSlice([]int32{int32(step)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &Checkpoint{
		State: State{
			Imago: "v0.1.0", Recipe: "cnn-vae", Config: json.RawMessage(`{"latent":2,"note":"a<b"}`), Seed: 1<<64 - 1,
			Epoch: 3, EpochImages: 12_800, Step: step, Images: 128 * step,
			Best:  &Score{Metric: "test_loss", Value: 151.9, Step: step / 300 * 300},
			Extra: json.RawMessage(`[1.5]`),
		},
		Weights:   map[string]*tensor.Tensor{"enc.w": of(w, 3, n), "enc.b": of([]float32{-1}, 1)},
		Optimizer: map[string]*tensor.Tensor{"enc.w.m": of(slices.Clone(w), 3, n), "count": count},
	}
}

func equal(a, b *Checkpoint) bool { return reflect.DeepEqual(a, b) }

// saved saves a checkpoint in the folder in and returns its own folder.
func saved(t testing.TB, in string, c *Checkpoint) string {
	t.Helper()
	name, err := Save(Dir(in), c)
	if err != nil || name != Name(c.State.Step) {
		t.Fatal(name, err)
	}
	return filepath.Join(in, name)
}

func TestSaveLoad(t *testing.T) {
	in := Dir(filepath.Join(t.TempDir(), "runs"))
	want := sample(t, 100)
	dir := saved(t, in.String(), want)
	got, err := Load(in, Name(100))
	if err != nil || !equal(got, want) {
		t.Errorf("loaded %+v, %v\nwant %+v", got, err, want)
	}
	s, err := LoadState(in, Name(100))
	if err != nil || !reflect.DeepEqual(*s, want.State) {
		t.Errorf("state %+v, %v", s, err)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the checkpoint: %v, %v", entries, err)
	}
	for name, mode := range map[string]fs.FileMode{"": 0o755 | fs.ModeDir, WeightsFile: 0o644, StateFile: 0o644} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode() != mode {
			t.Errorf("%q: mode %v, %v; want %v", name, st.Mode(), err, mode)
		}
	}
	// Only what is there at all may be left out.
	bare := &Checkpoint{State: State{Recipe: "r", Config: json.RawMessage("{}")}}
	saved(t, in.String(), bare)
	if got, err := Load(in, Name(0)); err != nil || len(got.Weights) != 0 || got.State.Best != nil || got.State.Extra != nil {
		t.Errorf("a bare checkpoint: %+v, %v", got, err)
	}
}

// The bytes depend on the checkpoint alone, and on no white space in the config.
func TestReproducible(t *testing.T) {
	a := saved(t, t.TempDir(), sample(t, 100))
	c := sample(t, 100)
	c.State.Config = json.RawMessage("{ \"latent\": 2,\n\t\"note\": \"a<b\" }")
	b := saved(t, t.TempDir(), c)
	for _, name := range []string{WeightsFile, OptimizerFile, StateFile} {
		x, y := read(t, filepath.Join(a, name)), read(t, filepath.Join(b, name))
		if x != y {
			t.Errorf("%s: the same checkpoint, two files:\n%q\n%q", name, x, y)
		}
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReplace(t *testing.T) {
	parent := t.TempDir()
	in := Dir(parent)
	dir := saved(t, parent, sample(t, 100))
	before, err := os.Stat(filepath.Join(dir, StateFile))
	if err != nil {
		t.Fatal(err)
	}
	saved(t, parent, sample(t, 100))
	if after, err := os.Stat(filepath.Join(dir, StateFile)); err != nil || !os.SameFile(before, after) {
		t.Errorf("the same checkpoint again moved the one there: %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, OptimizerFile), 9); err != nil {
		t.Fatal(err)
	}
	want := sample(t, 100)
	saved(t, parent, want)
	if got, err := Load(in, Name(100)); err != nil || !equal(got, want) {
		t.Errorf("a damaged one was not replaced: %v", err)
	}
	want.State.Seed = 7
	saved(t, parent, want)
	if got, err := Load(in, Name(100)); err != nil || got.State.Seed != 7 {
		t.Errorf("another one did not replace it: %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestSaveRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, tt := range []struct {
		name  string
		spoil func(*Checkpoint)
		want  string
		err   error
	}{
		{"a NaN in the weights", func(c *Checkpoint) { c.Weights["enc.w"].F32()[9] = nan }, `weights: tensor "enc.w" is NaN at [1,2]: not finite`, ErrNotFinite},
		{"an infinity in the optimizer", func(c *Checkpoint) { c.Optimizer["enc.w.m"].F32()[20] = inf }, `optimizer: tensor "enc.w.m" is -Inf at [2,6]: not finite`, ErrNotFinite},
		{"no tensor", func(c *Checkpoint) { c.Weights["x"] = nil }, `weights: tensor "x" is nil`, nil},
		{"no recipe", func(c *Checkpoint) { c.State.Recipe = "" }, `the state names no recipe`, nil},
		{"no config", func(c *Checkpoint) { c.State.Config = nil }, `the config is not JSON: ""`, nil},
		{"half an extra", func(c *Checkpoint) { c.State.Extra = json.RawMessage("{") }, `the extra state is not JSON: "{"`, nil},
		{"a negative step", func(c *Checkpoint) { c.State.Step = -1 }, `epoch 3, 12800 images into it, step -1, image 12800; want none negative`, nil},
		{"a best that is none", func(c *Checkpoint) { c.State.Best.Value = math.NaN() }, `the best test_loss is NaN: not finite`, ErrNotFinite},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parent := filepath.Join(t.TempDir(), "checkpoints")
			c := sample(t, 100)
			tt.spoil(c)
			_, err := Save(Dir(parent), c)
			if err == nil || !strings.HasPrefix(err.Error(), "ckpt: "+parent+"/"+Name(c.State.Step)+": not saved: step ") || !strings.HasSuffix(err.Error(), ": "+tt.want) {
				t.Errorf("error %v\nwant %s", err, tt.want)
			}
			if tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%v is not %v", err, tt.err)
			}
			if _, err := os.Stat(parent); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// Every call of a save and its pruning fails once, by a full disk: the error has the cause and no temporary name, what was
// readable before is readable still, nothing stray is left, and the next save goes on.
func TestSaveFails(t *testing.T) {
	for at := 1; ; at++ {
		sys := disktest.New()
		in := disk.On(sys, "/checkpoints")
		m, err := OpenManager(in, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []int64{300, 400} {
			if _, err := m.Save(sample(t, step)); err != nil {
				t.Fatal(err)
			}
		}
		start := sys.Calls()
		var failed disktest.Op
		sys.Before = func(op disktest.Op) error {
			if op.N == start+at {
				failed = op
				return syscall.ENOSPC
			}
			return nil
		}
		_, err = m.Save(sample(t, 500))
		sys.Before = nil
		if failed.N == 0 {
			if err != nil || at < 40 {
				t.Errorf("without a fault after %d calls: %v", at-1, err)
			}
			return
		}
		if err != nil && (!errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), tmpPrefix) && !errors.Is(err, ErrNotPruned)) {
			t.Errorf("%s %s fails: %v", failed.Call, failed.Path, err)
		}
		f, e := Latest(in)
		if e != nil || len(f.Skipped) > 0 || f.State.Step == 400 && (err == nil || errors.Is(err, ErrNotPruned)) || !equal(f.Checkpoint, sample(t, f.State.Step)) {
			t.Errorf("%s %s fails: latest %+v, %v after %v", failed.Call, failed.Path, f, e, err)
		}
		if best, e := Best(in); e != nil || best.Name != Name(300) {
			t.Errorf("%s %s fails: best %+v, %v", failed.Call, failed.Path, best, e)
		}
		if m, err = OpenManager(in, 1); err == nil {
			_, err = m.Save(sample(t, 600))
		}
		if names, e := List(in); err != nil || e != nil || !slices.Equal(names, []string{Name(600)}) {
			t.Errorf("%s %s fails: afterwards %v, %v, %v", failed.Call, failed.Path, names, e, err)
		}
		for name := range sys.Files() {
			if strings.Contains(name, "/.") {
				t.Errorf("%s %s fails: %s is left", failed.Call, failed.Path, name)
			}
		}
	}
}

// weights reads what is at a path.
func weights(path string) (*Checkpoint, error) {
	return LoadWeights(Dir(filepath.Dir(path)), filepath.Base(path))
}

func TestLoadWeights(t *testing.T) {
	want := sample(t, 100)
	dir := saved(t, t.TempDir(), want)
	if err := os.Remove(filepath.Join(dir, OptimizerFile)); err != nil {
		t.Fatal(err)
	}
	want.Optimizer = nil
	if got, err := weights(dir); err != nil || !equal(got, want) {
		t.Errorf("without optimizer: %+v, %v", got, err)
	}
	want.State = State{Imago: "v0.1.0", Recipe: "cnn-vae", Config: want.State.Config, Step: 100}
	if got, err := weights(filepath.Join(dir, WeightsFile)); err != nil || !equal(got, want) {
		t.Errorf("the file alone: %+v, %v\nwant %+v", got, err, want)
	}

	foreign := filepath.Join(t.TempDir(), "f.safetensors")
	for _, tt := range []struct {
		value float32
		meta  map[string]string
		want  string
	}{
		{1, nil, ""},
		{float32(math.Inf(1)), nil, `ckpt: ` + foreign + `: tensor "x" is +Inf at [0]: not finite`},
		{1, map[string]string{"config": "{"}, `ckpt: ` + foreign + `: the metadata hold a config that is not JSON: "{"`},
		{1, map[string]string{"step": "x"}, `ckpt: ` + foreign + `: the metadata hold step "x", want a number`},
	} {
		x := tensor.New(tensor.Float32, 1)
		x.F32()[0] = tt.value
		if err := safetensors.WriteFile(foreign, map[string]*tensor.Tensor{"x": x}, tt.meta); err != nil {
			t.Fatal(err)
		}
		c, err := weights(foreign)
		if tt.want == "" {
			if err != nil || c.State.Recipe != "" || c.Weights["x"].F32()[0] != 1 {
				t.Errorf("a file of others: %+v, %v", c, err)
			}
		} else if err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
	if _, err := weights(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// A flipped bit of a weights file that is used by itself is an error, or changes nothing.
func TestWeightsEveryBit(t *testing.T) {
	c := sample(t, 100)
	name := filepath.Join(saved(t, t.TempDir(), c), WeightsFile)
	want, err := weights(name)
	if err != nil {
		t.Fatal(err)
	}
	whole := []byte(read(t, name))
	refused := 0
	for i := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			if err := os.WriteFile(name, b, 0o666); err != nil {
				t.Fatal(err)
			}
			got, err := weights(name)
			if err != nil {
				refused++
			} else if !equal(got, want) {
				t.Fatalf("byte %d (%q), bit %d: another model was read", i, whole[i], bit)
			}
		}
	}
	if refused < 7*len(whole) {
		t.Errorf("only %d of %d flips were refused", refused, 8*len(whole))
	}
}
