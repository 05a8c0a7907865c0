package gallery

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
)

// notes are what observers are given, one a line.
type notes struct {
	train.Base
	lines []string
}

func (n *notes) Note(_ *train.View, note train.Note) {
	n.lines = append(n.lines, note.Kind+": "+note.Text)
}

// A picture that cannot be drawn does not end a training. It is left out of the report,
// which says why, and the warning is given once.
func TestPicturesThatCannotBeDrawn(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	c.Epochs, c.Pictures = 2, 1
	r := runtest.NewRun(t, c)
	job := newJob(t, r, set, 2)
	seen := &notes{}
	job.Observers = []train.Observer{seen, New(Options{Share: -1, Pictures: []Picture{
		{Name: "wrong", Section: "Mine", Title: "Wrong picture", Draw: func(context.Context, *Snapshot) (image.Image, error) {
			return nil, errors.New("too many classes")
		}},
		{Name: "bad", Section: "Mine", Title: "Bad picture", Draw: func(context.Context, *Snapshot) (image.Image, error) {
			panic("index out of range")
		}},
		{Name: "good", Section: "Mine", Title: "Good picture", Draw: func(context.Context, *Snapshot) (image.Image, error) {
			return image.NewGray(image.Rect(0, 0, 9, 9)), nil
		}},
	}})}
	// A file stands where the folder of frames is to be.
	if err := os.MkdirAll(r.Path("images"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Path("images/frames"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := train.Loop(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if res.Report == "" {
		t.Fatalf("no report:\n%s", strings.Join(seen.lines, "\n"))
	}
	page := string(runtest.Must(os.ReadFile(res.Report)))
	for _, part := range []string{"The picture wrong could not be drawn: too many classes", "The picture bad could not be drawn: panic: index out of range", "The frame of the animation could not be drawn", "Good picture"} {
		if !strings.Contains(page, part) {
			t.Errorf("the report lacks %q", part)
		}
	}
	if strings.Contains(page, "Bad picture") {
		t.Error("the report shows a picture that was left out")
	}
	var warned []string
	for _, l := range seen.lines {
		if text, ok := strings.CutPrefix(l, "warning: the "); ok {
			warned = append(warned, strings.SplitN(text, ":", 2)[0])
		}
	}
	if got := strings.Join(warned, "; "); got != "frame of the animation is left out; picture wrong is left out; picture bad is left out" {
		t.Errorf("warned of: %s\n%s", got, strings.Join(seen.lines, "\n"))
	}
}

// Pictures before the end wait until training has taken ten times as long as they and
// those of the end.
func TestBudget(t *testing.T) {
	for _, tt := range []struct {
		share           float64
		trained, spent  time.Duration
		picture, frame  time.Duration // 0 = not yet drawn
		pictures, small bool          // allowed
	}{
		{0.1, 0, 0, 0, 0, false, true},
		{-1, 0, time.Hour, time.Minute, 0, true, true},
		{0.1, 10 * time.Second, 0, 0, 0, false, true},
		{0.1, 16 * time.Second, 0, 0, 0, true, true},
		{0.1, 16 * time.Second, time.Second, time.Second, 100 * time.Millisecond, false, true},
		{0.1, 16 * time.Second, 2 * time.Second, time.Second, 100 * time.Millisecond, false, false},
		{0.1, time.Minute, 2 * time.Second, time.Second, 100 * time.Millisecond, true, true},
	} {
		b := budget{share: tt.share, spent: tt.spent, start: time.Now().Add(-tt.trained - tt.spent), costs: map[string]time.Duration{}}
		if tt.picture > 0 {
			b.costs[allPictures] = tt.picture
		}
		if tt.frame > 0 {
			b.costs[oneFrame] = tt.frame
		}
		if p, f := b.allows(allPictures, firstCost), b.allows(oneFrame, 0); p != tt.pictures || f != tt.small {
			t.Errorf("%+v: allowed %v and %v", tt, p, f)
		}
	}
	var kept []int
	for k := range 2000 {
		if sparse(k) {
			kept = append(kept, k)
		}
	}
	if got := fmt.Sprint(len(kept), kept[255:258], kept[len(kept)-1]); got != "634 [255 256 258] 1992" {
		t.Errorf("of 2000 frames: %s", got)
	}
}
