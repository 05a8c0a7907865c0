package train_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A run starts from the weights of another, of its best checkpoint, and needs them no more
// once it has started: interrupted and resumed without them it ends with the same bits.
func TestInit(t *testing.T) {
	set := runtest.Must(runtest.Small(150, 30))
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	c.Epochs = 1
	source := runtest.NewRun(t, c)
	res := trained(t, source, set, 2)

	other := runtest.Must(runtest.Small(140, 30))
	c = runtest.Config("mlp-vae", other, "hidden", "16")
	c.Epochs, c.Checkpoints.Keep = 2, 0
	m := runtest.Must(c.Build(runtest.Registry()))
	var err error
	if c.Init, err = train.NewInit("the source", source.Dir, m); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(res.Best, ckpt.WeightsFile)
	if c.Init.Recipe != "mlp-vae" || c.Init.Step != 3 || c.Init.Path != weights || len(c.Init.Digest) != 64 || c.Init.Unused != nil {
		t.Errorf("%+v", c.Init)
	}
	if file, err := train.NewInit("the source", weights, m); err != nil || file.Digest != c.Init.Digest {
		t.Errorf("of the file: %+v, %v", file, err)
	}

	whole, r := runtest.NewRun(t, c), runtest.NewRun(t, c)
	var out bytes.Buffer
	if _, err := train.Loop(context.Background(), newJob(t, whole, other, 2, &out)); err != nil {
		t.Fatal(err)
	}
	if want := "init       the source, mlp-vae at step 3 (SHA-256 " + c.Init.Digest[:12] + "): all 10 tensors, of encoder and decoder\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%s", want, out.String())
	}
	start := runtest.Must(runtest.LoadWeights(filepath.Join(whole.Path(runlog.CheckpointsDir), ckpt.Name(0))))
	for name, w := range runtest.Must(runtest.LoadWeights(weights)).Weights {
		for i, v := range w.F32() {
			if start.Weights[name].F32()[i] != v {
				t.Fatalf("%s does not start as it was", name)
			}
		}
	}
	want, wantLog := digestOf(t, whole.Dir)

	be := cpu.New(2)
	defer be.Close()
	interrupted(t, r, other, be, 1)
	if err := os.RemoveAll(source.Dir); err != nil {
		t.Fatal(err)
	}
	interrupted(t, r, other, be, 70)
	trained(t, runtest.Must(runlog.Open(r.Dir, "")), other, 1)
	if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
		t.Errorf("%s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
	}
	// A run that has not started needs the file.
	if _, err := train.Loop(context.Background(), newJob(t, runtest.NewRun(t, c), other, 1, nil)); err == nil || !strings.Contains(err.Error(), "Init the source: open "+weights) {
		t.Errorf("without the weights: %v", err)
	}
}

// Each tensor that does not fit is named, and what the model has no place for is told.
func TestInitMismatch(t *testing.T) {
	set := runtest.Must(runtest.Small(20, 10))
	c := runtest.Config("mlp-vae", set, "hidden", "16")
	c.Epochs = 1
	source := runtest.NewRun(t, c)
	res := trained(t, source, set, 1)
	weights := filepath.Join(res.Best, ckpt.WeightsFile)

	wide := runtest.Config("mlp-vae", set, "hidden", "12")
	_, err := train.NewInit("source", source.Dir, runtest.Must(wide.Build(runtest.Registry())))
	for _, part := range []string{"Init source: the weights, of mlp-vae, do not fit the model: ", "encoder/dense/kernel is [784,16] in it, want [784,12]", "[16] in it, want [12]", "decoder/dense_2/kernel is [16,784] in it, want [12,784]"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	gan := runtest.Config("dense-gan", set, "hidden", "16")
	_, err = train.NewInit("source", source.Dir, runtest.Must(gan.Build(runtest.Registry())))
	if err == nil || !strings.Contains(err.Error(), " is not in it") || !strings.Contains(err.Error(), "; it has besides decoder/") {
		t.Errorf("a GAN: %v", err)
	}

	more := runtest.Must(runtest.LoadWeights(weights)).Weights
	for _, w := range more {
		more["classifier/kernel"] = w
		break
	}
	file := filepath.Join(t.TempDir(), "more.safetensors")
	if err := safetensors.WriteFile(file, more, nil); err != nil {
		t.Fatal(err)
	}
	in, err := train.NewInit("more", file, runtest.Must(c.Build(runtest.Registry())))
	if err != nil || in.Recipe != "" || len(in.Unused) != 1 || in.Unused[0] != "classifier/kernel" {
		t.Errorf("%+v, %v", in, err)
	}
	c.Init = in
	if err := os.WriteFile(file, runtest.Must(os.ReadFile(weights)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Loop(context.Background(), newJob(t, runtest.NewRun(t, c), set, 1, nil)); err == nil || !strings.Contains(err.Error(), "is not what it was when the run was made") {
		t.Errorf("other weights in the same place: %v", err)
	}
	if _, err := train.NewInit("none", filepath.Join(t.TempDir(), "none"), runtest.Must(c.Build(runtest.Registry()))); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}
