package keep

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// session returns a model with random weights of a seed.
func session(t *testing.T, seed uint64) *latent.Session {
	t.Helper()
	in := model.Input{Item: pixels.Item(4, 4, 1)}
	k, _ := vae.MLPVAE()
	m, err := k.Default().New(in)
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		w[p.Name] = p.Draw(rng.New(seed))
	}
	be := cpu.New(1)
	t.Cleanup(func() { be.Close() })
	s, err := latent.Load(m, in, be, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// labelled returns a set of 60 images of two classes with one attribute.
func labelled(t *testing.T) *data.Set {
	t.Helper()
	const n = 60
	set := &data.Set{Name: "photos", Digest: "0123", Classes: []string{"cat", "dog"}, Attributes: []string{"hat"}}
	bits := make([]uint32, n*16)
	rng.New(1).Bits(bits)
	pix := make([]uint8, len(bits))
	for i, b := range bits {
		pix[i] = uint8(b)
	}
	for i := range n {
		set.Train.Labels = append(set.Train.Labels, int32(i%2))
		set.Train.Attributes = append(set.Train.Attributes, uint8(i/30))
	}
	var err error
	if set.Train.Items, err = data.NewInMemory(pix, n, pixels.Item(4, 4, 1)); err != nil {
		t.Fatal(err)
	}
	return set
}

// TestAfter checks that what was saved with a run is read for its weights, and refused for others.
func TestAfter(t *testing.T) {
	ctx, dir, s, set := context.Background(), disk.At(t.TempDir()), session(t, 1), labelled(t)
	if _, err := OpenDetector(dir, s); !errors.Is(err, fs.ErrNotExist) || !IsStale(err) {
		t.Errorf("no detector: %v", err)
	}
	if err := After(ctx, dir, s, set, Progress{120, 3}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDetector(dir, s)
	if err != nil || d.Images != 30 || d.Set != "photos" || d.Options != DefaultDetector() {
		t.Errorf("detector of %d images of %s: %v; want 30, a quarter of 120", d.Images, d.Set, err)
	}
	c, err := OpenCodes(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	some := set.Train
	mean, logVar, err := s.EncodeMeans(ctx, some.Items)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Mean, mean) || !slices.Equal(c.LogVar, logVar) || !slices.Equal(c.Set.Train.Labels, some.Labels) || !slices.Equal(c.Set.Train.Attributes, some.Attributes) || c.Set.Classes[1] != "dog" || c.Set.Attributes[0] != "hat" {
		t.Errorf("the codes read are not those of the items: %+v", c.Set)
	}

	other := session(t, 2)
	if _, err := OpenDetector(dir, other); !errors.Is(err, anomaly.ErrWeights) || !IsStale(err) {
		t.Errorf("a detector of other weights: %v", err)
	}
	if _, err := OpenCodes(dir, other); !errors.Is(err, ErrWeights) || !IsStale(err) {
		t.Errorf("codes of other weights: %v", err)
	}
	if err := After(ctx, dir, other, set, Progress{1_000_000, 3}); err != nil {
		t.Fatal(err)
	}
	if d, err := OpenDetector(dir, other); err != nil || d.Images != 60 {
		t.Errorf("made again: %v", err)
	}

	name := dir.Path(CodesFile)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, damaged := range map[string][]byte{
		"another tensor": bytes.Replace(file, []byte(`"mean"`), []byte(`"MEAN"`), 1),
		"cut":            file[:len(file)-7],
	} {
		if err := os.WriteFile(name, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCodes(dir, other); err == nil || IsStale(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestUnits checks that the ranking of units is that of the run: After leaves one of the last
// step as it is, whichever weights are used, and makes another one again.
func TestUnits(t *testing.T) {
	ctx, dir, s, set := context.Background(), disk.At(t.TempDir()), session(t, 1), labelled(t)
	if _, err := OpenUnits(dir, s.Latent()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no ranking: %v", err)
	}
	want, err := s.RankUnits(ctx, set.Labelled(set.Train)) // there are no test items
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		step int64
		kept bool
	}{{7, true}, {6, false}} { // ranked for the pictures of step 7
		pictures := Units{7, latent.Ranking{By: latent.ByKL, Scores: []float64{5, 9}}}
		if err := WriteUnits(dir, &pictures); err != nil {
			t.Fatal(err)
		}
		if err := After(ctx, dir, s, set, Progress{120, tt.step}); err != nil {
			t.Fatal(err)
		}
		if !tt.kept {
			pictures = Units{tt.step, *want}
		}
		if u, err := OpenUnits(dir, s.Latent()); err != nil || !reflect.DeepEqual(*u, pictures) {
			t.Errorf("after step %d: %+v, %v, want %+v", tt.step, u, err, pictures)
		}
	}
	name := dir.Path(UnitsFile)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenUnits(dir, 3); !errors.Is(err, ErrUnits) {
		t.Errorf("another model: %v", err)
	}
	for what, damaged := range map[string][]byte{"a digit": bytes.Replace(file, []byte(`"step":6`), []byte(`"step":7`), 1), "cut": file[:20], "empty": nil} {
		if err := os.WriteFile(name, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenUnits(dir, s.Latent()); !errors.Is(err, ErrUnits) || !strings.Contains(err.Error(), UnitsFile) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestItems checks that the work stays a small part of the training.
func TestItems(t *testing.T) {
	for trained, want := range map[int64]int{1: 1, 400: 100, 4000: 1000, 50_000: 1000, 800_000: 8000, 10_000_000: MaxItems} {
		if got := items(trained); got != want {
			t.Errorf("trained on %d: %d items, want %d", trained, got, want)
		}
	}
}
