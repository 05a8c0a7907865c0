package train

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/train/ckpt"
)

func TestCreate(t *testing.T) {
	set := must(small(20, 10))
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
	if _, err := Create(root, "mine", c); err == nil || !strings.Contains(err.Error(), "--resume "+filepath.Join(root, "mine")) {
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
	c := config("mlp-vae", must(small(20, 10)), "hidden", "7")
	r := newRun(t, c)
	again, err := Open(r.Dir, "mlp-vae")
	if err != nil || string(must(again.Config.encode(""))) != string(must(c.encode(""))) {
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
	r := newRun(t, config("mlp-vae", must(small(20, 10))))
	unlock, err := lock(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(r.Dir); err == nil || !strings.Contains(err.Error(), r.Dir) {
		t.Errorf("a second process got the run: %v", err)
	}
	unlock()
	unlock, err = lock(r.Dir)
	if err != nil {
		t.Fatalf("given back: %v", err)
	}
	unlock()
}

// What is about to be changed may be another process's.
func TestChangeWhileTrained(t *testing.T) {
	r := newRun(t, config("mlp-vae", must(small(20, 10))))
	before := must(os.ReadFile(r.Path(ConfigFile)))
	unlock := must(lock(r.Dir))
	c := r.Config
	c.Epochs += 5
	if err := r.Change(c); err == nil || !strings.Contains(err.Error(), "another process is training") {
		t.Errorf("a run that is being trained gave %v", err)
	}
	if after := must(os.ReadFile(r.Path(ConfigFile))); string(after) != string(before) {
		t.Errorf("%s was changed", ConfigFile)
	}
	unlock()
	if err := r.Change(c); err != nil || must(Open(r.Dir, "")).Config.Epochs != c.Epochs {
		t.Errorf("unlocked: %v, %d epochs", err, r.Config.Epochs)
	}
}

// A damaged line in the midst of the log is no reason to drop what stands after it.
func TestDamagedLog(t *testing.T) {
	set := must(small(130, 40))
	r := newRun(t, config("mlp-vae", set, "hidden", "8"))
	trained(t, r, set, 2)
	good := string(must(os.ReadFile(r.Path(MetricsFile))))
	lines := strings.SplitAfter(good, "\n")
	lines[1] = "x" + lines[1]
	bad := strings.Join(lines, "")
	if err := os.WriteFile(r.Path(MetricsFile), []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Loop(context.Background(), newJob(t, r, set, 2, io.Discard))
	if err == nil || !strings.Contains(err.Error(), r.Path(MetricsFile)+": line 2: ") || !strings.HasSuffix(err.Error(), "delete that line") {
		t.Errorf("a damaged log gave %v", err)
	}
	if after := string(must(os.ReadFile(r.Path(MetricsFile)))); after != bad {
		t.Errorf("the log was changed to %q", after)
	}
	if err := os.WriteFile(r.Path(MetricsFile), []byte(good+"x\n{"), 0o644); err != nil { // torn at its end
		t.Fatal(err)
	}
	trained(t, r, set, 2)
	if after := string(must(os.ReadFile(r.Path(MetricsFile)))); after != good {
		t.Errorf("a torn log became %q, want %q", after, good)
	}
}

func TestValidate(t *testing.T) {
	good := config("mlp-vae", must(small(20, 10)))
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"format 2":            func(c *Config) { c.Format = 2 },
		"recipe":              func(c *Config) { c.Recipe = "" },
		"not JSON":            func(c *Config) { c.Model = []byte("{") },
		"0x28x1":              func(c *Config) { c.Data.Image[0] = 0 },
		"2 channels":          func(c *Config) { c.Data.Image[2] = 2 },
		"0 training":          func(c *Config) { c.Data.Train = 0 },
		"--epochs 0":          func(c *Config) { c.Epochs = 0 },
		"--steps -1":          func(c *Config) { c.Epochs, c.Steps = 0, -1 },
		"--batch 0":           func(c *Config) { c.Batch = 0 },
		"--lr -1":             func(c *Config) { c.LR = -1 },
		"--keep -1":           func(c *Config) { c.Checkpoints.Keep = -1 },
		"--checkpoint-every":  func(c *Config) { c.Checkpoints.Seconds = -1 },
		"--checkpoint-steps":  func(c *Config) { c.Checkpoints.Steps = -1 },
		"--pictures-every -2": func(c *Config) { c.Pictures = -2 },
	} {
		c := good
		change(&c)
		err := c.Validate()
		if want == "2 channels" {
			want = "28x28x2"
		}
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
	b := must(config("mlp-vae", must(small(20, 10))).encode("  "))
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
	f.Add(must(c.encode("  ")))
	f.Add([]byte(`{"format":1,"model":}`))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		text := must(c.encode(""))
		again, err := Decode(text)
		if err != nil || string(must(again.encode(""))) != string(text) {
			t.Errorf("%s came back as %+v, %v", text, again, err)
		}
	})
}

// The log is cut where the checkpoint was made; an epoch's line belongs to the
// checkpoint after it, though one before may have the same step.
func TestTold(t *testing.T) {
	for _, tt := range []struct {
		line        string
		epoch, step int
		want        bool
	}{
		{`{"kind":"epoch","epoch":2,"step":150,"cut":true}`, 1, 150, false},
		{`{"kind":"epoch","epoch":2,"step":150,"cut":true}`, 1, 151, true},
		{`{"kind":"epoch","epoch":2,"step":150,"cut":true}`, 1, 149, false},
		{`{"kind":"step","epoch":1,"step":100}`, 0, 100, true},
		{`{"kind":"step","epoch":1,"step":100}`, 0, 99, false},
		{`{"kind":"epoch","epoch":1,"step":100}`, 0, 100, false},
		{`{"kind":"epoch","epoch":1,"step":100}`, 1, 100, true},
		{`{"kind":"epoch","epoch":1,"step":100}`, 1, 150, true},
		{`7`, 1, 100, false},
	} {
		if got := told([]byte(tt.line), ckpt.State{Epoch: tt.epoch, Step: int64(tt.step)}, false); got != tt.want {
			t.Errorf("%s at epoch %d, step %d: %v", tt.line, tt.epoch, tt.step, got)
		}
	}
	if !told([]byte(`{"kind":"epoch","epoch":2,"step":150,"cut":true}`), ckpt.State{Epoch: 1, Step: 150}, true) {
		t.Error("a cut epoch that was judged at the checkpoint is not told")
	}
}

func TestDataOptions(t *testing.T) {
	opt := data.Options{Size: 32, Crop: 40, Gray: true, Seed: 5, TestFraction: 0.2, Without: []string{"3", "8"}, Label: "k"}
	r := registry()
	rec := must(r.Recipe("mlp-vae"))
	c := must(NewConfig(rec, must(r.Config(rec)), must(small(20, 10)), "x", opt))
	if !reflect.DeepEqual(c.Data.Options(), opt) {
		t.Errorf("%+v came back as %+v", opt, c.Data.Options())
	}
}
