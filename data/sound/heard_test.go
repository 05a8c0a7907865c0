package sound

import (
	"math"
	"slices"
	"testing"

	"github.com/imago-ml/imago/formats/audio"
)

// TestScales checks that a tone is brightest where the scale has its frequency, and that a click is at its time.
func TestScales(t *testing.T) {
	item := Item(8000, Bands, Frames)
	m := item.Medium.(Medium)
	along, up := m.Scales(item)
	if up.Unit != "Hz" || along.Unit != "s" || len(up.Marks) != 5 || len(along.Marks) != 6 || along.Marks[5].Text != "1" {
		t.Fatalf("the scales are %+v and %+v", along, up)
	}
	for i, hz := range []float64{100, 200, 500, 1000, 2000} {
		x := make([]float32, m.samples())
		for k := range x {
			x[k] = float32(math.Sin(2 * math.Pi * hz * float64(k) / 8000))
		}
		levels, best := m.Levels(audio.Clip{Samples: x, Rate: 8000}), 0
		for row := range Bands {
			if levels[row*Frames+Frames/2] > levels[best*Frames+Frames/2] {
				best = row
			}
		}
		// A bin of the transform is 31 Hz wide: at 100 Hz that is more than a band.
		if at := (float64(best) + 0.5) / Bands; math.Abs(at-up.Marks[i].At) > 2.0/Bands {
			t.Errorf("%v Hz is brightest at %.3f from the top, its mark %q at %.3f", hz, at, up.Marks[i].Text, up.Marks[i].At)
		}
	}
	x := make([]float32, m.samples())
	x[4000] = 1 // 0.5 s
	levels, best := m.Levels(audio.Clip{Samples: x, Rate: 8000}), 0
	for f := range Frames {
		if levels[10*Frames+f] > levels[10*Frames+best] {
			best = f
		}
	}
	if at := (float64(best) + 0.5) / Frames; math.Abs(at-0.5/m.Seconds()) > 1.5/Frames {
		t.Errorf("a click at 0.5 s is brightest at %.3f of the clip, want %.3f", at, 0.5/m.Seconds())
	}
}

// TestDelay moves a clip of 2 bands of 4 frames.
func TestDelay(t *testing.T) {
	item := Item(8000, 2, 4)
	for frames, want := range map[int][]float32{
		0: {1, 2, 3, 4, 5, 6, 7, 8}, 1: {0, 1, 2, 3, 0, 5, 6, 7}, -3: {4, 0, 0, 0, 8, 0, 0, 0}, 4: make([]float32, 8), -9: make([]float32, 8),
	} {
		got := []float32{1, 2, 3, 4, 5, 6, 7, 8}
		if item.Medium.(Medium).Delay(item, got, frames); !slices.Equal(got, want) {
			t.Errorf("by %d frames: %v, want %v", frames, got, want)
		}
	}
}
