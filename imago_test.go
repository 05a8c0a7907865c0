package imago_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image/png"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/serve"
	"github.com/imago-ml/imago/train"
)

// stripes returns n images of 8x8.
func stripes(n int) [][]byte {
	images := make([][]byte, n)
	for i := range images {
		images[i] = bytes.Repeat(append(make([]byte, 1+i%3), bytes.Repeat([]byte{255}, 1+i%2)...), 64)[:64]
	}
	return images
}

func Example() {
	images := make([][]byte, 500)
	for i := range images {
		images[i] = bytes.Repeat([]byte{0, 255, byte(i)}, 22)[:64] // 8x8 bytes, your own
	}
	set, err := imago.Images("mine", images, 8, 8, 1)
	if err != nil {
		log.Fatal(err)
	}
	recipe, err := imago.Published("mlp-vae", "latent=3", "hidden=32")
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	run, err := imago.Train(context.Background(), set, recipe, imago.Options{Out: dir, Epochs: 2, PicturesEvery: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer run.Close()
	samples, err := run.Draw(context.Background(), 1, 16)
	fmt.Println(len(samples), err)
	// Output: 1024 <nil>
}

// A model of the program's own trains, leaves a run with pictures and a report, and is opened again with the same samples.
func TestTrainOwnModel(t *testing.T) {
	ctx := context.Background()
	set, err := imago.Images("stripes", stripes(300), 8, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	if set.Train.Len() != 270 || set.Test.Len() != 30 {
		t.Errorf("%d training and %d test images, want 270 and 30", set.Train.Len(), set.Test.Len())
	}
	own := imago.Own("own-vae", func(in model.Input) (*model.Model, error) {
		net := vae.MLP{Hidden: []int{16}}
		return vae.New("own-vae", vae.Options{Encoder: net, Decoder: net, Latent: 2}, in)
	})
	var progress bytes.Buffer
	run, err := imago.Train(ctx, set, own, imago.Options{Out: t.TempDir(), Epochs: 2, Batch: 50, Seed: 3, Progress: &progress})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if !strings.Contains(progress.String(), "epoch 2/2") {
		t.Errorf("progress is %q", &progress)
	}
	for _, name := range []string{"run.json", "metrics.jsonl", "report.html", "images/samples.png", "images/manifold.png"} {
		if _, err := os.Stat(filepath.Join(run.Dir, name)); err != nil {
			t.Error(err)
		}
	}
	samples, err := run.Draw(ctx, 1, 4)
	if err != nil || len(samples) != 4*64 {
		t.Fatalf("%d values, %v", len(samples), err)
	}
	sheet := filepath.Join(t.TempDir(), "sheet.png")
	if err := run.WritePicture(sheet, samples, 2); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(sheet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
	if err := run.WritePicture(sheet, samples[1:], 2); err == nil {
		t.Error("a part of an item is drawn")
	}

	if _, err := imago.Open(run.Dir); err == nil || !strings.Contains(err.Error(), `no kind "own-vae"`) {
		t.Errorf("opened without its kind: %v", err)
	}
	again, err := imago.Open(run.Dir, own)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if same, err := again.Draw(ctx, 1, 4); err != nil || !slices.Equal(same, samples) {
		t.Errorf("the model that was opened again draws other samples: %v", err)
	}
}

// A program serves a model that it opens, and the server draws for a seed what Draw draws for it.
func TestServe(t *testing.T) {
	lib := serve.NewLibrary(serve.LibraryOptions{Backend: func() backend.Backend { return cpu.New(1) }})
	defer lib.Close()
	err := lib.Add(t.Context(), "digits", func(be backend.Backend) (*train.Trained, error) { return imago.OpenOn(be, "zoo:cnn-vae") })
	if err != nil {
		t.Fatal(err)
	}
	handler, err := serve.New(lib, serve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://localhost/v1/sample?seed=7&n=2&format=raw", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	served := make([]float32, w.Body.Len()/4)
	if err := binary.Read(w.Body, binary.LittleEndian, served); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, %v", w.Code, err)
	}
	m, err := imago.Open("zoo:cnn-vae")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	drawn, err := m.Draw(t.Context(), 7, 2)
	if err != nil || len(drawn) != 2*28*28 || len(served) != len(drawn) {
		t.Fatalf("%d values drawn, %d served, %v", len(drawn), len(served), err)
	}
	for i := range drawn { // the server's program may be that of another batch size, which adds in another order
		if d := drawn[i] - served[i]; !(d > -1e-5 && d < 1e-5) {
			t.Fatalf("value %d is %v drawn and %v served", i, drawn[i], served[i])
		}
	}
	be := cpu.New(1)
	defer be.Close()
	if _, err := imago.OpenOn(be, "zoo:none"); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a model that is not there: %v", err)
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	set, err := imago.Images("stripes", stripes(20), 8, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := imago.Published("mlp-vae")
	if err != nil {
		t.Fatal(err)
	}
	fails := func(err error) error {
		if err == nil {
			return errors.New("no error")
		}
		return err
	}
	published := func(name string, options ...string) error {
		_, err := imago.Published(name, options...)
		return fails(err)
	}
	trained := func(set *data.Set, r imago.Recipe, o imago.Options) error {
		o.Out = t.TempDir()
		_, err := imago.Train(ctx, set, r, o)
		return fails(err)
	}
	ragged := append(stripes(2), []byte{1})
	_, short := imago.Images("mine", ragged, 8, 8, 1)
	_, none := imago.Images("mine", nil, 8, 8, 1)
	_, missing := imago.Open(filepath.Join(t.TempDir(), "nothing"))
	for _, tt := range []struct {
		err  error
		want string
	}{
		{published("mlp-vea"), `no recipe "mlp-vea" (did you mean mlp-vae`},
		{published("mlp-vae", "latent"), `option "latent": want name=value`},
		{published("mlp-vae", "lattent=2"), `no option "lattent"; have latent, `},
		{published("mlp-vae", "latent=0"), "Latent 0: want 1 to 65536"},
		{published("mlp-vae", "latent=two"), `Latent "two": want a whole number`},
		{trained(nil, recipe, imago.Options{}), "no data set"},
		{trained(set, imago.Recipe{}, imago.Options{}), "an empty recipe"},
		{trained(set, recipe, imago.Options{Epochs: -1}), "Epochs -1"},
		{fails(short), "image 2 has 1 bytes, want 8·8·1 = 64"},
		{fails(none), "0 images of 8x8x1"},
		{fails(missing), "no such file"},
	} {
		if !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%v, want %s", tt.err, tt.want)
		}
	}
	table := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(table, []byte("a,b\n1,2\n3,4\n5,6\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if rows, err := imago.Data(ctx, table, data.Options{}); err != nil || rows.Item().Size() != 2 {
		t.Errorf("a table of two columns: %+v, %v", rows, err)
	}
	if _, err := imago.Data(ctx, "no-such-set", data.Options{Offline: true}); err == nil || !strings.Contains(err.Error(), "no-such-set") {
		t.Errorf("an unknown set: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := imago.Train(ended, set, recipe, imago.Options{Out: t.TempDir()}); !errors.Is(err, train.ErrInterrupted) {
		t.Errorf("a training whose context has ended: %v", err)
	}
}

// TestLimitMemory checks that a training that does not fit is refused before its folder is made.
func TestLimitMemory(t *testing.T) {
	recipe, err := imago.Published("mlp-vae", "hidden=60000,30000")
	if err != nil {
		t.Fatal(err)
	}
	images := make([][]byte, 10)
	for i := range images {
		images[i] = make([]byte, 28*28)
	}
	set, err := imago.Images("dark", images, 28, 28, 1)
	if err != nil {
		t.Fatal(err)
	}
	imago.LimitMemory(1e9)
	defer imago.LimitMemory(0)
	out := filepath.Join(t.TempDir(), "runs")
	_, err = imago.Train(t.Context(), set, recipe, imago.Options{Out: out})
	if err == nil || !strings.Contains(err.Error(), "and imago may use 1.0 GB") {
		t.Errorf("111 GB in 1: %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder was made for it")
	}
}
