package cli

import (
	"io"
	"regexp"
	"strconv"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// TestSizeAdvice follows the advice of every recipe on images that do not suit it: images of the size that the error
// names, or the recipe with dense networks, must suit it.
func TestSizeAdvice(t *testing.T) {
	a := newApp(io.Discard, io.Discard)
	size := regexp.MustCompile(`--size (\d+)`)
	dense := regexp.MustCompile(`use dense networks, as those of ([a-z-]+)`)
	followed := 0
	for _, rec := range a.Models.Recipes() {
		cfg, err := a.Models.Config(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, shape := range [][2]int{{1, 1}, {2, 3}, {3, 3}, {7, 9}, {6, 6}, {8, 8}, {12, 12}, {27, 27}, {27, 300}, {30, 64}, {33, 33}, {200, 200}, {254, 254}, {1030, 10}} {
			_, err := cfg.New(model.Input{Item: pixels.Item(shape[0], shape[1], 1), Labels: defaultLabels})
			if err == nil {
				continue
			}
			text := option.Text(err, a.flagOf)
			found := size.FindStringSubmatch(text)
			if found == nil {
				if d := dense.FindStringSubmatch(text); d != nil {
					if _, err := configOf(t, a, d[1]).New(model.Input{Item: pixels.Item(shape[0], shape[1], 1), Labels: defaultLabels}); err != nil {
						t.Errorf("%s on images of %dx%d: %s gives %v", rec.Name, shape[0], shape[1], d[1], err)
					}
					followed++
					continue
				}
				t.Errorf("%s on images of %dx%d: %v: no way out", rec.Name, shape[0], shape[1], err)
				continue
			}
			side, _ := strconv.Atoi(found[1])
			if _, err := cfg.New(model.Input{Item: pixels.Item(side, side, 1), Labels: defaultLabels}); err != nil {
				t.Errorf("%s on images of %dx%d: --size %d gives %v", rec.Name, shape[0], shape[1], side, err)
			}
			followed++
		}
	}
	if followed < 20 {
		t.Errorf("%d errors have a size: want 20 or more, so that the test tries something", followed)
	}
}

// configOf returns the configuration of a recipe.
func configOf(t *testing.T, a *app, recipe string) model.Config {
	t.Helper()
	rec, err := a.Models.Recipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := a.Models.Config(rec)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// No recipe has an option that is named when its training is not finite.
func TestExtremes(t *testing.T) {
	a := newApp(io.Discard, io.Discard)
	for _, rec := range a.Models.Recipes() {
		cfg, err := a.Models.Config(rec)
		if err != nil {
			t.Fatal(err)
		}
		if x := model.Extremes(cfg); len(x) > 0 {
			t.Errorf("%s: %v", rec.Name, x)
		}
	}
}
