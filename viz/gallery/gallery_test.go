package gallery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	_ "image/gif"
	_ "image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
)

func TestPictures(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	always := []string{"curves.png", "manifold-10x10.png", "manifold.gif", "scatter.png", "reconstructions.png",
		"network-encoder.png", "network-decoder.png", "epoch-0000.png", "epoch-0001.png", "epoch-0002.png", "epoch-0003.png"}
	for _, tt := range []struct {
		recipe, latent string
		samples        bool
		every          int
	}{{"mlp-vae", "2", true, 2}, {"mlp-vae", "1", true, 0}, {"mlp-vae", "3", true, 0}, {"mlp-ae", "2", false, 0}, {"cnn-vae", "2", true, 0}} {
		t.Run(tt.recipe+tt.latent, func(t *testing.T) {
			c := runtest.Config(tt.recipe, set, "hidden", "8", "filters", "2,3", "dense", "4", "latent", tt.latent)
			c.Pictures = tt.every
			r := runtest.NewRun(t, c)
			res := trained(t, r, set, 2)
			got := runtest.Pictures(t, r)
			plane := []string{"manifold.png", "manifold-epoch-0003.png"} // of which 30x30 show everything
			if tt.latent == "3" {
				plane = []string{"units.png", "units-epoch-0003.png"}
			}
			for _, name := range slices.Concat(always, plane, []string{"network-" + tt.recipe + ".png", "scatter-epoch-0003.png"}) {
				if img := got[name]; img == nil || img.Bounds().Dx() < 100 || img.Bounds().Dx() > 4000 {
					t.Errorf("%s is missing or of an odd size", name)
				}
			}
			if (got["units.png"] != nil) == (got["manifold.png"] != nil) {
				t.Error("want a fine manifold of two units, or single units of more")
			}
			if (got["samples.png"] != nil) != tt.samples || got["manifold-epoch-0001.png"] != nil ||
				(got["manifold-epoch-0002.png"] != nil) != (tt.every == 2) {
				t.Errorf("samples: %v, want %v; or another epoch's pictures", got["samples.png"] != nil, tt.samples)
			}
			page := string(runtest.Must(os.ReadFile(res.Report)))
			for _, part := range []string{tt.recipe + " on few digits", "test_loss", "data:image/gif", c.Data.Digest, "continue " + r.Dir} {
				if !strings.Contains(page, part) {
					t.Errorf("the report lacks %q", part)
				}
			}
			encoder, decoder, whole := strings.Index(page, "layers of encoder"), strings.Index(page, "layers of decoder"), strings.Index(page, "layers of "+tt.recipe)
			if encoder < 0 || decoder < encoder || whole < decoder {
				t.Errorf("the networks stand at %d, %d and %d of the report, want encoder, decoder and whole", encoder, decoder, whole)
			}
			if strings.Contains(page, "deterministic") == tt.samples {
				t.Error("the report does not say whether there is a prior")
			}
		})
	}
}

// The pictures of a run show the most important units, which are saved with it; those of two
// units have them in their own order.
func TestUnitsOfPictures(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	for _, tt := range []struct {
		recipe, latent string
		by             latent.Criterion
	}{{"mlp-vae", "6", latent.ByKL}, {"mlp-vae", "2", latent.ByKL}, {"mlp-ae", "6", latent.ByDeviation}, {"dense-gan", "6", latent.ByChange}} {
		c := runtest.Config(tt.recipe, set, "hidden", "8", "latent", tt.latent)
		c.Pictures, c.Epochs = 0, 2
		r := runtest.NewRun(t, c)
		j := newJob(t, r, set, 2)
		var s *Snapshot
		j.Observers = append(j.Observers, ender{end: func(v *train.View) { s = newSnapshot(v, v.Epoch()) }})
		runtest.Must(train.Loop(context.Background(), j))
		ctx := context.Background()
		kept, err := keep.OpenUnits(r.Folder(), s.latent)
		if err != nil {
			t.Fatal(err)
		}
		if again := runtest.Must(s.ranking(ctx)); kept.Step != s.step || kept.By != tt.by || !slices.Equal(kept.Scores, again.Scores) {
			t.Errorf("%s: kept %+v, want %+v of step %d", tt.recipe, kept, again, s.step)
		}
		plane, order := runtest.Must(s.plane(ctx)), kept.Order()
		switch {
		case s.latent == 2:
			if plane.X != 0 || plane.Y != 1 || plane.String() != "" {
				t.Errorf("of two units the plane is %+v", plane)
			}
		case order[0] == 0 && order[1] == 1:
			t.Errorf("%s: units 0 and 1 come first, which shows nothing: choose another seed", tt.recipe)
		case plane != kept.Plane() || plane.X != order[0] || plane.Y != order[1]:
			t.Errorf("%s: the plane shows %v, want units %d and %d", tt.recipe, plane, order[0], order[1])
		}
	}
}

// An ender calls end with the run as it is when training ends.
type ender struct {
	train.Base
	end func(v *train.View)
}

func (e ender) Done(v *train.View, err error) error {
	e.end(v)
	return nil
}

// A conditional model has a sheet of its classes, in which a column is of one draw.
func TestPicturesOfClasses(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	attributed := *set
	attributed.Classes, attributed.Attributes = nil, []string{"even", "large"}
	attributed.Train.Labels, attributed.Test.Labels, attributed.Digest = nil, nil, "attributed"
	for _, p := range []struct {
		to   *data.Split
		from data.Split
	}{{&attributed.Train, set.Train}, {&attributed.Test, set.Test}} {
		for _, l := range p.from.Labels {
			p.to.Attributes = append(p.to.Attributes, uint8(1-l%2), min(1, uint8(l/7)))
		}
	}
	for _, tt := range []struct {
		name, recipe string
		set          *data.Set
	}{{"classes", "mlp-cvae", set}, {"attributes", "mlp-cvae", &attributed}, {"few labels", "m2", set}} {
		name, set := tt.name, tt.set
		c := runtest.Config(tt.recipe, set, "hidden", "8", "latent", "3", "class-hidden", "8", "labelled", "20", "labelled-batch", "10")
		c.Epochs, c.Pictures = 2, 0
		r := runtest.NewRun(t, c)
		res := trained(t, r, set, 2)
		got := runtest.Pictures(t, r)
		for _, file := range []string{"classes.png", "samples.png", "scatter.png", "reconstructions.png", "manifold.gif", "epoch-0002.png"} {
			if got[file] == nil {
				t.Errorf("%s: %s is missing", name, file)
			}
		}
		if got["manifold.png"] != nil || got["units.png"] != nil || strings.Contains(string(runtest.Must(os.ReadFile(res.Report))), "imago manifold") {
			t.Errorf("%s: there are pictures of codes without a class", name)
		}
	}
	if rows := rowsOf(t, &attributed, 2); fmt.Sprint(rows) != "[{most frequent [0 0]} {even [1 0]} {large [0 1]}]" {
		t.Errorf("rows %v", rows)
	}
	for i := range attributed.Train.Attributes { // most are even
		attributed.Train.Attributes[i] = uint8(1 - i%2)
	}
	if rows := rowsOf(t, &attributed, 2); fmt.Sprint(rows) != "[{most frequent [1 0]} {not even [0 0]} {large [1 1]}]" {
		t.Errorf("rows %v", rows)
	}
}

// rowsOf returns the rows of a sheet of classes, which has all of them.
func rowsOf(t *testing.T, set *data.Set, k int) []labelRow {
	t.Helper()
	rows, some, err := labelRows(set, k)
	if err != nil || some != "" {
		t.Errorf("%q, %v: want all rows", some, err)
	}
	return rows
}

// A sheet of some of many classes says so.
func TestSomeClasses(t *testing.T) {
	many := &data.Set{}
	for i := range 300 {
		many.Classes = append(many.Classes, fmt.Sprint(i))
		many.Train.Labels = append(many.Train.Labels, int32(i%280)) // 20 have no image
	}
	if rows, some, err := labelRows(many, 300); err != nil || len(rows) != classRows || some != "the first 12 of 280 classes" {
		t.Errorf("%d rows, %q, %v", len(rows), some, err)
	}
	if rows, some, err := labelRows(&data.Set{Attributes: many.Classes[:40]}, 40); err != nil || len(rows) != classRows || some != "the first 11 of 40 attributes" {
		t.Errorf("%d rows, %q, %v", len(rows), some, err)
	}
}

// A model with classes of its own has a sheet of what it makes, by class.
func TestPicturesOfClassesFound(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("infogan", set, "filters", "3,4", "dense", "4", "latent", "6", "info-codes", "1", "info-classes", "4", "ema", "0")
	c.Epochs, c.Pictures = 1, 0
	r := runtest.NewRun(t, c)
	res := trained(t, r, set, 2)
	got := runtest.Pictures(t, r)["found.png"]
	if got == nil {
		t.Fatal("found.png is missing")
	}
	if !strings.Contains(string(runtest.Must(os.ReadFile(res.Report))), "Classes found by the model") {
		t.Error("the report does not show it")
	}
	if b := got.Bounds(); b.Dx() < 2*b.Dy() { // 4 rows of 10
		t.Errorf("found.png is %v", b)
	}
}

// A model without an encoder has what it makes, its curves and its networks.
func TestPicturesOfAGAN(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("dense-gan", set, "hidden", "8", "latent", "3")
	c.Epochs, c.Pictures = 1, 0
	r := runtest.NewRun(t, c)
	res := trained(t, r, set, 2)
	got := runtest.Pictures(t, r)
	for _, name := range []string{"samples.png", "curves.png", "units.png", "fixed.gif", "network-generator.png", "network-discriminator.png", "network-dense-gan.png"} {
		if got[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if got["scatter.png"] != nil || got["reconstructions.png"] != nil || got["manifold-10x10.png"] != nil {
		t.Error("there are pictures of codes of images, or of a plane of noise")
	}
	page := string(runtest.Must(os.ReadFile(res.Report)))
	for _, part := range []string{"test_d_accuracy", "train d_loss", "train g_grad_norm", "imago sample"} {
		if !strings.Contains(page, part) {
			t.Errorf("the report lacks %q", part)
		}
	}
	for _, part := range []string{"imago scatter", "test_kl", "deterministic", "imago manifold", "by heart"} {
		if strings.Contains(page, part) {
			t.Errorf("the report has %q", part)
		}
	}
}

// Pictures of a run that was stopped between them are those of one that was not.
func TestPicturesAfterResume(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	c.Pictures, c.Epochs = 1, 2
	whole, r := runtest.NewRun(t, c), runtest.NewRun(t, c)
	trained(t, whole, set, 2)
	for _, stop := range []int{0, 1, 2} { // in an evaluation, in the codes of the scatter
		ctx, cancel := context.WithCancel(context.Background())
		seen := 0
		other := *set
		other.Test.Items = runtest.Trap{Items: set.Test.Items, OnRead: func(i int) error {
			if i == 3 {
				if seen++; seen == stop+1 {
					cancel()
				}
			}
			return nil
		}}
		if _, err := train.Loop(ctx, newJob(t, r, &other, 1)); !errors.Is(err, train.ErrInterrupted) {
			t.Fatalf("interrupted: %v", err)
		}
		cancel()
	}
	trained(t, r, set, 2)
	a, b := runtest.Pictures(t, whole), runtest.Pictures(t, r)
	if len(a) != len(b) || len(a) < 20 {
		t.Errorf("%d pictures, want %d", len(b), len(a))
	}
	for _, name := range runtest.Must(filepath.Glob(whole.Path("images/*.*"))) {
		if base := filepath.Base(name); !bytes.Equal(runtest.Must(os.ReadFile(name)), runtest.Must(os.ReadFile(r.Path("images/"+base)))) {
			t.Errorf("%s differs", base)
		}
	}
	want, wantLog, err := runtest.Digest(whole.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, gotLog, err := runtest.Digest(r.Dir); err != nil || got != want || gotLog != wantLog {
		t.Errorf("%s, want %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
	}
}

// The path of a run is no pattern and no format: with letters of both in it the animation and the report are there.
func TestFolderWithOddName(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its folders have no such names")
	}
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("dense-gan", set, "hidden", "8", "latent", "3")
	c.Pictures, c.Epochs = 0, 1
	for _, name := range []string{"runs[1]", "a*b ?%d%s\n", "["} {
		r := runtest.Must(runlog.Create(filepath.Join(t.TempDir(), name), "", c))
		trained(t, r, set, 2)
		for _, file := range []string{"images/fixed.gif", "images/samples.png", "report.html"} {
			if _, err := os.Stat(r.Path(file)); err != nil {
				t.Errorf("in %q: %v", name, err)
			}
		}
	}
}
