// Package chorales makes chorales of four voices by a small grammar, so that imago has polyphonic
// music without a file or a network connection.
//
// A chorale has a key, major or minor, and two to four phrases of eight steps, a step a quarter
// note. Each step has a triad, which follows the one before as in tonal harmony; the last chord of
// a phrase lasts two steps and is the dominant, in the last phrase the tonic. The soprano goes from
// one note of a chord to a near one of the next, alto and tenor have the other notes below it, close
// together or wide apart, another way in each phrase, and the bass has the root or the third. The set
// has 2,000 training and 200 test chorales, none of which is in both parts; they have different
// lengths, so that items end before their last step.
//
// Chorale i is drawn from a random key of its own: the set is the same on every processor. Use
// Source to register it, Draw for a single chorale. The package must not know any model or use the
// network.
package chorales

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/engine/rng"
)

// The set. Its seed is fixed: chorales is one set.
const (
	Name   = "chorales"
	NTrain = 2_000
	NTest  = 200

	seed = 1
)

// The lengths of chorales.
const (
	phrase     = 8 // steps
	minPhrases = 2
	maxPhrases = 4
)

// Medium returns the medium of chorales: 32 steps of a quarter note, 96 of them a minute.
func Medium() pianoroll.Medium {
	return pianoroll.Medium{Steps: maxPhrases * phrase, Quarter: 1, Tempo: 625_000}
}

// Source returns the set as data.Registry takes it.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "chorales of four voices made by a grammar of imago itself, as piano-rolls: 2,000 + 200 of 16 to 32 steps; nothing to download",
		Load:  load,
	}
}

func load(ctx context.Context, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	key := rng.New(seed).Split(Name)
	seen := map[string]bool{}
	all := make([]pianoroll.Piece, 0, NTrain+NTest)
	for i := uint64(0); len(all) < cap(all); i++ {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		piece := Draw(key.At(i))
		if text := fmt.Sprint(piece); !seen[text] {
			seen[text] = true
			all = append(all, piece)
		}
	}
	return pianoroll.NewSet(Name, Medium(), all[:NTrain], all[NTrain:])
}

// The scales, in semitones above the first note of the key; the seventh step of minor is raised,
// as the dominant wants it.
var scales = [2][7]int{
	{0, 2, 4, 5, 7, 9, 11},
	{0, 2, 3, 5, 7, 8, 11},
}

// The triads, by the step of the scale of their root.
const (
	tonic       = 0
	supertonic  = 1
	subdominant = 3
	dominant    = 4
	submediant  = 5
)

// follow are the triads that follow one.
var follow = map[int][]int{
	tonic:       {tonic, supertonic, subdominant, dominant, submediant},
	supertonic:  {dominant, dominant, tonic},
	subdominant: {dominant, tonic, supertonic},
	dominant:    {tonic, tonic, submediant, dominant},
	submediant:  {subdominant, supertonic, dominant},
}

// The ranges of the outer voices, in MIDI notes. Alto and tenor are within 18 semitones below the
// soprano, and so above the bass.
const (
	lowestSoprano, highestSoprano = 67, 81
	lowestBass, highestBass       = 36, 48
)

// Draw returns the chorale drawn from a key. Each of its steps has four different notes, bass first.
func Draw(key rng.Key) pianoroll.Piece {
	draws := key.Stream()
	below := func(n int) int { return int(draws.Uniform() * float32(n)) }
	scale := scales[0]
	if below(3) == 0 {
		scale = scales[1]
	}
	root := below(12)
	var piece pianoroll.Piece
	chord, soprano, bass := tonic, 70+below(6), 42
	phrases := minPhrases + below(maxPhrases-minPhrases+1)
	for p := range phrases {
		wide := below(2) == 0
		for s := range phrase {
			switch {
			case s == phrase-1: // the last chord lasts two steps
				piece = append(piece, piece[len(piece)-1])
				continue
			case s == phrase-2 && p == phrases-1 || p == 0 && s == 0:
				chord = tonic
			case s == phrase-2 || s == phrase-3 && p == phrases-1:
				chord = dominant
			default:
				chord = follow[chord][below(len(follow[chord]))]
			}
			triad := triadOf(root, scale, chord)
			soprano = pick(below, inTriad(triad, max(lowestSoprano, soprano-5), min(highestSoprano, soprano+5)))
			lower := inTriad(triad, soprano-18, soprano-1)
			alto, tenor := lower[len(lower)-1], lower[len(lower)-2]
			if wide {
				alto, tenor = lower[len(lower)-2], lower[len(lower)-4]
			}
			low := triad[0]
			if s < phrase-3 && below(4) == 0 {
				low = triad[1]
			}
			bass = nearest(inTriad([3]int{low, low, low}, lowestBass, highestBass), bass)
			piece = append(piece, []int{bass, tenor, alto, soprano})
		}
	}
	return piece
}

// triadOf returns the notes of a triad of a key, from 0 to 11: root, third, fifth.
func triadOf(root int, scale [7]int, chord int) (notes [3]int) {
	for i := range notes {
		notes[i] = (root + scale[(chord+2*i)%7]) % 12
	}
	return notes
}

// inTriad returns the MIDI notes from low to high that are of a triad, ascending.
func inTriad(triad [3]int, low, high int) (notes []int) {
	for n := low; n <= high; n++ {
		if c := n % 12; c == triad[0] || c == triad[1] || c == triad[2] {
			notes = append(notes, n)
		}
	}
	return notes
}

// pick returns one of notes.
func pick(below func(n int) int, notes []int) int { return notes[below(len(notes))] }

// nearest returns the note that is nearest to another.
func nearest(notes []int, to int) int {
	best := notes[0]
	for _, n := range notes {
		if max(n-to, to-n) < max(best-to, to-best) {
			best = n
		}
	}
	return best
}
