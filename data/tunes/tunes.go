// Package tunes makes melodies by a small grammar, so that imago has music without a file or a
// network connection.
//
// A tune has a key, major or minor, and a chord for each half of a bar. Each half has a rhythm,
// and pitches that go by steps of the scale or leap to notes of the chord, with a note of the
// chord on the beat. The second half of the tune repeats the rhythm of the first, and the last
// note is long and one of the chord of the key. Each tune has a pace, how many notes its rhythms
// have, and a reach, how far it leaps, so that density and interval differ. The set has 8,000
// training and 800 test tunes of two bars, none of which is in both parts.
//
// Tune i is drawn from a random key of its own: the set is the same on every processor. Use
// Source to register it, Draw for a single tune. The package must not know any model or use the
// network.
package tunes

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/music"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/option"
)

// The set. Its seed is fixed: tunes is one set.
const (
	Name   = "tunes"
	NTrain = 8_000
	NTest  = 800

	seed = 1
)

// Medium returns the medium of tunes of so many bars, at 110 quarter notes a minute.
func Medium(bars int) music.Melody {
	return music.Melody{Bars: bars, Low: 55, High: 84, Tempo: 545_455}
}

// Source returns the set as data.Registry takes it.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "melodies made by a grammar of imago itself: 8,000 + 800 of two bars, 2 attributes; nothing to download",
		Load:  load,
	}
}

func load(ctx context.Context, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	bars := opt.Bars
	if bars == 0 {
		bars = music.DefaultBars
	}
	if bars > music.MaxBars {
		return nil, option.Errorf("tunes: {Bars} %d: want at most %d", bars, music.MaxBars)
	}
	key := rng.New(seed).Split(Name)
	size := Medium(bars).Item().Size()
	seen := map[string]bool{}
	all := make([]float32, 0, (NTrain+NTest)*size)
	tune := make([]float32, size)
	for i := uint64(0); len(all) < cap(all); i++ {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		Draw(key.At(i), bars, tune)
		if text := fmt.Sprint(tune); !seen[text] {
			seen[text] = true
			all = append(all, tune...)
		}
	}
	return music.NewSet(ctx, Name, Medium(bars).Item(), all[:NTrain*size], all[NTrain*size:])
}

// The scales, in semitones above the first note of the key.
var (
	major = [7]int{0, 2, 4, 5, 7, 9, 11}
	minor = [7]int{0, 2, 3, 5, 7, 8, 10}
)

// progressions are the chords of four half bars, by the step of the scale of their lowest note.
var progressions = [][4]int{{0, 0, 3, 4}, {0, 5, 3, 4}, {0, 3, 4, 4}, {0, 4, 5, 3}, {5, 3, 0, 4}, {0, 3, 0, 4}}

// rhythms are the steps at which notes begin in half a bar, of few notes to many.
var rhythms = [][][]int{
	{{0}, {0, 4}, {0, 6}},
	{{0, 4}, {0, 6}, {0, 2, 4}, {0, 4, 6}},
	{{0, 2, 4, 6}, {0, 3, 4, 6}, {0, 2, 4}, {0, 4, 6, 7}},
	{{0, 2, 4, 5, 6, 7}, {0, 1, 2, 4, 6}, {0, 2, 3, 4, 6}, {0, 2, 4, 6, 7}},
}

// half is the number of steps of half a bar.
const half = music.Steps / 2

// Draw writes the tokens of the tune drawn from a key to dst, (16·bars), of Medium(bars).
func Draw(key rng.Key, bars int, dst []float32) {
	draws := key.Stream()
	below := func(n int) int { return int(draws.Uniform() * float32(n)) }
	clear(dst)
	scale := major
	if below(3) == 0 {
		scale = minor
	}
	root := 60 + below(8) // C to G
	chords := progressions[below(len(progressions))]
	pace, reach := below(len(rhythms)), 1+below(4)
	pitch := func(step int) int { // of a step of the scale, from the root of the key
		octave := 0
		for step < 0 {
			step, octave = step+7, octave-1
		}
		return root + 12*(octave+step/7) + scale[step%7]
	}
	inChord := func(step, chord int) bool {
		d := ((step-chord)%7 + 7) % 7
		return d == 0 || d == 2 || d == 4
	}
	halves := 2 * bars
	motif := make([][]int, (halves+1)/2) // rhythms of the first half of the tune
	at := 2 * below(3)                   // step of the scale
	for h := range halves {
		chord := chords[h%len(chords)]
		k := h % len(motif)
		if motif[k] == nil {
			some := rhythms[pace]
			motif[k] = some[below(len(some))]
		}
		rhythm := motif[k]
		if h == halves-1 {
			rhythm, chord = []int{0}, 0
		}
		for _, on := range rhythm {
			move := below(2*reach+1) - reach
			if move == 0 && reach > 1 {
				move = 1 - 2*below(2)
			}
			at += move
			switch { // back into an octave and a half
			case at > 9:
				at -= 2 * (1 + below(reach))
			case at < -2:
				at += 2 * (1 + below(reach))
			}
			if on%4 == 0 {
				for _, near := range []int{0, -1, 1} { // one of three neighbours is in a chord
					if inChord(at+near, chord) {
						at += near
						break
					}
				}
			}
			dst[h*half+on] = token(pitch(at))
		}
		if below(6) == 0 && len(rhythm) == 1 { // breath
			dst[h*half+6] = music.Off
		}
	}
}

// token returns the token with which a pitch begins; one outside the medium is brought into it by
// octaves.
func token(pitch int) float32 {
	m := Medium(1)
	for pitch > m.High {
		pitch -= 12
	}
	for pitch < m.Low {
		pitch += 12
	}
	return float32(pitch - m.Low + music.FirstPitch)
}
