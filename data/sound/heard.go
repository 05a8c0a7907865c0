package sound

import (
	"strconv"

	"github.com/imago-ml/imago/data/medium"
)

// Play returns a WAV file of one clip.
func (m Medium) Play(item medium.Item, values []float32) (file []byte, kind string, err error) {
	file, err = m.Encode(item, values)
	return file, "audio/wav", err
}

// marked are the frequencies in Hz that a scale may have.
var marked = []float64{100, 200, 500, 1000, 2000, 4000, 8000, 16_000}

// between are the distances in seconds of the marks of a scale.
var between = []float64{0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300}

// mostMarks is the number of marks along a clip, at most.
const mostMarks = 6

// Scales returns seconds along a clip and frequencies up it.
func (m Medium) Scales(medium.Item) (along, up medium.Scale) {
	along.Unit, up.Unit = "s", "Hz"
	step := between[len(between)-1]
	for _, d := range between {
		if m.Seconds()/d < mostMarks {
			step = d
			break
		}
	}
	for i := 0; i <= mostMarks && float64(i)*step < m.Seconds(); i++ {
		t := float64(i) * step
		along.Marks = append(along.Marks, medium.Mark{At: t / m.Seconds(), Text: strconv.FormatFloat(t, 'g', 3, 64)})
	}
	top := mel(float64(m.Rate) / 2)
	for _, f := range marked {
		// The middle of band k is edge k + 1 of the Bands + 1 steps of mel up to half the rate.
		k := mel(f)/top*float64(m.Bands+1) - 1
		if at := 1 - (k+0.5)/float64(m.Bands); at >= 0 && at <= 1 {
			up.Marks = append(up.Marks, medium.Mark{At: at, Text: strconv.FormatFloat(f, 'f', -1, 64)})
		}
	}
	return along, up
}
