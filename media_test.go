package imago_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
)

// wave is a medium that imago does not know: T samples of a signal, (T, 1), drawn as a curve of
// waveRows rows and written as JSON.
type wave struct {
	Rate int `json:"rate"`
}

const waveRows = 8

func (wave) Name() string                                           { return "wave" }
func (wave) Check(medium.Item) error                                { return nil }
func (wave) TileSize(it medium.Item) (h, w, c int)                  { return waveRows, it.Shape[0], 1 }
func (wave) Format(medium.Item) medium.Format                       { return medium.Format{Extension: ".json", Many: true} }
func (wave) Encode(_ medium.Item, values []float32) ([]byte, error) { return json.Marshal(values) }
func (wave) Decode(_ medium.Item, b []byte) (values []float32, e error) {
	e = json.Unmarshal(b, &values)
	return values, e
}

func (wave) Tile(_ medium.Item, values, dst []float32) {
	clear(dst)
	for x, v := range values {
		y := int(float32(waveRows-1) * (1 - min(max(v, 0), 1)))
		dst[y*len(values)+x] = 1
	}
}

// TestMediumOfOnesOwn checks that a medium which is known to this test only is trained on, drawn,
// written and opened again: nothing else of imago needs to know it.
func TestMediumOfOnesOwn(t *testing.T) {
	const length, n = 20, 40
	item := medium.Item{Medium: wave{8000}, Shape: tensor.Shape{length, 1}, Element: medium.Reals}
	values := make([]float32, n*length)
	for i := range values {
		values[i] = float32(0.5 + 0.4*math.Sin(float64(i%length)*0.5+float64(i/length)))
	}
	train, err := data.NewValues(values[:30*length], item)
	if err != nil {
		t.Fatal(err)
	}
	test, err := data.NewValues(values[30*length:], item)
	if err != nil {
		t.Fatal(err)
	}
	set := &data.Set{Name: "sines", Digest: "sines-1", Train: data.Split{Items: train}, Test: data.Split{Items: test}}
	trainAndUse(t, set, "mlp-vae", medium.KindOf[wave]("wave"))
}

// TestImagesOfFiveChannels checks that images of any number of channels are trained on, drawn and
// written, with dense and with convolutional networks.
func TestImagesOfFiveChannels(t *testing.T) {
	images := make([][]byte, 40)
	for i := range images {
		images[i] = make([]byte, 8*8*5)
		for k := range images[i] {
			images[i][k] = byte(i * k)
		}
	}
	set, err := imago.Images("five", images, 8, 8, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, recipe := range []string{"mlp-vae", "cnn-vae"} {
		trainAndUse(t, set, recipe)
	}
}

// trainAndUse trains a recipe for an epoch with pictures, draws, writes and opens the model again.
func trainAndUse(t *testing.T, set *data.Set, recipe string, media ...medium.Kind) {
	t.Helper()
	ctx := context.Background()
	r, err := imago.Published(recipe)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range media {
		r = r.WithMedium(k)
	}
	trained, err := imago.Train(ctx, set, r, imago.Options{Out: t.TempDir(), Epochs: 1, Batch: 10, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer trained.Close()
	pictures, err := filepath.Glob(filepath.Join(trained.Dir, "images", "*.png"))
	if _, missing := os.Stat(filepath.Join(trained.Dir, "report.html")); err != nil || missing != nil || len(pictures) == 0 {
		t.Errorf("%s: %d pictures, report: %v", recipe, len(pictures), missing)
	}
	samples, err := trained.Draw(ctx, 1, 6)
	if err != nil {
		t.Fatal(err)
	}
	if err := trained.WritePicture(filepath.Join(t.TempDir(), "samples.png"), samples, 3); err != nil {
		t.Error(err)
	}
	item := trained.Item()
	files, err := medium.Encode(item, samples)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	want := slices.Clone(samples)
	if item.Element == medium.Levels {
		want = pixels.Floats(pixels.Bytes(samples))
	}
	if got, err := item.Medium.Decode(item, files[0]); err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: what was written is read otherwise (%v)", recipe, err)
	}
	again, err := imago.Open(trained.Dir, r)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	same, err := again.Draw(ctx, 1, 6)
	if err != nil || !slices.Equal(same, samples) || !again.Item().Equal(item) {
		t.Errorf("%s: the opened model draws otherwise (%v)", recipe, err)
	}
}
