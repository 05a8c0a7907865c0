package runlog

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

func TestCreate(t *testing.T) {
	set := small(20, 10)
	set.Name = "/some where/My Digits.npz"
	c := config("mlp-vae", set)
	root := filepath.Join(t.TempDir(), "runs")
	for _, want := range []string{"mlp-vae-my-digits.npz-001", "mlp-vae-my-digits.npz-002"} {
		r, err := Create(root, "", c)
		if err != nil || filepath.Base(r.Dir) != want {
			t.Fatalf("%+v, %v; want %s", r, err, want)
		}
	}
	// A number is not taken twice, not even that of a run that is gone.
	if err := os.Rename(filepath.Join(root, "mlp-vae-my-digits.npz-002"), filepath.Join(root, "mlp-vae-my-digits.npz-0041")); err != nil {
		t.Fatal(err)
	}
	if r := must(Create(root, "", c)); filepath.Base(r.Dir) != "mlp-vae-my-digits.npz-042" {
		t.Errorf("after 0041 comes %s", r.Dir)
	}
	if r := must(Create(root, "mine", c)); r.Dir != filepath.Join(root, "mine") {
		t.Errorf("mine is %s", r.Dir)
	}
	before := must(os.ReadFile(filepath.Join(root, "mine", ConfigFile)))
	c.Seed = 8
	if _, err := Create(root, "mine", c); err == nil || !strings.Contains(err.Error(), "Resume "+filepath.Join(root, "mine")) {
		t.Errorf("a name that is taken gave %v", err)
	}
	if after := must(os.ReadFile(filepath.Join(root, "mine", ConfigFile))); string(after) != string(before) {
		t.Error("the run that had the name was written to")
	}
	for _, name := range []string{"a/b", "..", ".", "/x"} {
		if _, err := Create(root, name, c); err == nil {
			t.Errorf("name %q gave no error", name)
		}
	}
	c.Epochs = 0
	if _, err := Create(filepath.Join(root, "new"), "x", c); err == nil {
		t.Error("no epochs gave no error")
	}
	if _, err := os.Stat(filepath.Join(root, "new")); err == nil {
		t.Error("a bad configuration left a folder")
	}
}

func TestOpen(t *testing.T) {
	c := config("mlp-vae", small(20, 10), "hidden", "7")
	r := newRun(t, c)
	again, err := Open(r.Dir, "mlp-vae")
	if err != nil || string(must(again.Config.Encode(""))) != string(must(c.Encode(""))) {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := Open(r.Dir, "cnn-vae"); err == nil || !strings.Contains(err.Error(), "mlp-vae") || !strings.Contains(err.Error(), "cnn-vae") {
		t.Errorf("another recipe gave %v", err)
	}
	if _, err := Open(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "not the folder of a run") {
		t.Errorf("another folder gave %v", err)
	}
	c.Batch++
	if err := again.Change(c); err == nil || again.Config.Batch == c.Batch {
		t.Errorf("a run that goes on changed its batch: %v", err)
	}
	if err := os.WriteFile(r.Path(ConfigFile), make([]byte, maxConfig+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(r.Dir, ""); err == nil || !strings.Contains(err.Error(), r.Path(ConfigFile)) {
		t.Errorf("a great file gave %v", err)
	}
}

func TestLock(t *testing.T) {
	r := newRun(t, config("mlp-vae", small(20, 10)))
	unlock, err := r.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Lock(); err == nil || !strings.Contains(err.Error(), r.Dir) {
		t.Errorf("a second process got the run: %v", err)
	}
	unlock()
	unlock, err = r.Lock()
	if err != nil {
		t.Fatalf("given back: %v", err)
	}
	unlock()
}

// What is about to be changed may be another process's.
func TestChangeWhileTrained(t *testing.T) {
	r := newRun(t, config("mlp-vae", small(20, 10)))
	before := must(os.ReadFile(r.Path(ConfigFile)))
	unlock := must(r.Lock())
	c := r.Config
	c.Epochs += 5
	if err := r.Change(c); err == nil || !strings.Contains(err.Error(), "another process is training") {
		t.Errorf("a run that is being trained gave %v", err)
	}
	if after := must(os.ReadFile(r.Path(ConfigFile))); string(after) != string(before) {
		t.Errorf("%s was changed", ConfigFile)
	}
	unlock()
	if err := r.Change(c); err != nil || must(Open(r.Dir, "")).Config.Epochs == c.Epochs {
		t.Errorf("unlocked: %v, written before Save", err)
	}
	if err := r.Save(); err != nil || must(Open(r.Dir, "")).Config.Epochs != c.Epochs {
		t.Errorf("saved: %v, %d epochs", err, r.Config.Epochs)
	}
}

func TestValidate(t *testing.T) {
	good := config("mlp-vae", small(20, 10))
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"format 2":         func(c *Config) { c.Format = 2 },
		"recipe":           func(c *Config) { c.Recipe = "" },
		"not JSON":         func(c *Config) { c.Model = []byte("{") },
		"0x28x1":           func(c *Config) { c.Data.Item.Shape = []int{0, 28, 1} },
		"tokens":           func(c *Config) { c.Data.Item.Element = medium.Tokens },
		"0 training":       func(c *Config) { c.Data.Train = 0 },
		"Epochs 0":         func(c *Config) { c.Epochs = 0 },
		"Steps -1":         func(c *Config) { c.Epochs, c.Steps = 0, -1 },
		"Batch 0":          func(c *Config) { c.Batch = 0 },
		"LR -1":            func(c *Config) { c.LR = -1 },
		"Keep -1":          func(c *Config) { c.Checkpoints.Keep = -1 },
		"CheckpointEvery":  func(c *Config) { c.Checkpoints.Seconds = -1 },
		"CheckpointSteps":  func(c *Config) { c.Checkpoints.Steps = -1 },
		"PicturesEvery -2": func(c *Config) { c.Pictures = -2 },
	} {
		c := good
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	bad := good
	bad.Epochs, bad.Batch = 0, 0
	if err := bad.Validate(); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults gave %v", err)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	b := must(encodedConfig())
	if _, err := Decode(b); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown field": strings.Replace(string(b), `"epochs"`, `"epoch"`, 1),
		"rest":          string(b) + "{}",
		"cut":           string(b[:len(b)/2]),
		"empty":         "",
		"no model":      strings.Replace(string(b), `"kind"`, `"kind_"`, 1),
	} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s gave no error", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c := Config{
		Format: 1, Imago: "devel", Go: "go1.26", Recipe: "mlp-vae", Kind: "mlp-vae", Model: json.RawMessage(`{"latent": 2}`),
		Data: Data{Source: "a", Name: "b", Image: [3]int{28, 28, 1}, Train: 5}, Epochs: 1, Batch: 1, LR: 1e-3, Seed: 1 << 63,
	}
	f.Add(must(c.Encode("  ")))
	f.Add([]byte(`{"format":1,"model":}`))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		text := must(c.Encode(""))
		again, err := Decode(text)
		if err != nil || string(must(again.Encode(""))) != string(text) {
			t.Errorf("%s came back as %+v, %v", text, again, err)
		}
	})
}

func TestDataOptions(t *testing.T) {
	opt := data.Options{Size: 32, Crop: 40, Gray: true, Seed: 5, TestFraction: 0.2, Without: []string{"3", "8"}, Label: "k", Reading: data.Reading{Header: "no", Drop: []string{"id"}, Fill: "mean", Range: "0:16"}}
	r := registry()
	rec := must(r.Recipe("mlp-vae"))
	c := must(NewConfig(rec, must(r.Config(rec)), small(20, 10), "x", opt))
	if !reflect.DeepEqual(c.Data.Options(), opt) {
		t.Errorf("%+v came back as %+v", opt, c.Data.Options())
	}
}

// TestBestEpoch checks which epoch's line stands for a run.
func TestBestEpoch(t *testing.T) {
	line := func(kind string, epoch int, best bool) Line { return Line{Kind: kind, Epoch: epoch, Best: best} }
	for _, tt := range []struct {
		lines []Line
		want  int // epoch; 0 = none
	}{
		{nil, 0},
		{[]Line{line(StepLine, 1, false)}, 0},
		{[]Line{line(EpochLine, 1, false), line(EpochLine, 2, false), line(StepLine, 3, false)}, 2},
		{[]Line{line(EpochLine, 1, true), line(EpochLine, 2, true), line(EpochLine, 3, false)}, 2},
	} {
		got := 0
		if l := BestEpoch(tt.lines); l != nil {
			got = l.Epoch
		}
		if got != tt.want {
			t.Errorf("%v: epoch %d, want %d", tt.lines, got, tt.want)
		}
	}
}
