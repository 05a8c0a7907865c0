package music

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/folder"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

// facts are what was changed and left out, summed over all tunes.
type facts struct {
	notes, elsewhere            int     // notes of the medium, and those of no use to it
	moved, below, fast, unended int     // of them
	distance                    float64 // of those that were moved, in steps
	bars, other                 int     // of 16 steps, and of another length
	silent, again, beyond       int     // windows left out
	none                        int     // tunes without a window
}

// choose brings all tunes to steps, and chooses the medium: that of opt, else that of which
// there are more notes, with the range of pitches and the tempo of the tunes.
func (r *reading) choose(ctx context.Context, opt data.Options) error {
	var all counts
	for _, t := range r.tunes {
		all.tonal, all.drums, all.others = all.tonal+t.counts.tonal, all.drums+t.counts.drums, all.others+t.counts.others
	}
	wanted := tonal
	melody, isMelody := opt.Medium.(Melody)
	pattern, isDrums := opt.Medium.(Drums)
	r.drums = isDrums || !isMelody && all.drums > all.tonal
	r.facts.notes, r.facts.elsewhere = all.tonal, all.drums+all.others
	if r.drums {
		wanted, r.facts.notes, r.facts.elsewhere = drum, all.drums, all.tonal+all.others
	}
	below, fast := make([]int, len(r.tunes)), make([]int, len(r.tunes))
	err := data.Parallel(ctx, len(r.tunes), func(i int) (err error) {
		t := &r.tunes[i]
		if t.err != nil {
			return nil
		}
		if t.score, err = newScore(t.file, wanted); err != nil {
			return fmt.Errorf("%s: %w", r.files[i].Name, err)
		}
		if t.file = nil; r.drums {
			t.hits = hits(t.score)
		} else {
			t.line, below[i], fast[i] = newLine(t.score)
		}
		return nil
	})
	if err != nil {
		return err
	}
	low, high, tempos := 127, 0, map[int]int{}
	for i, t := range r.tunes {
		if t.score == nil {
			continue
		}
		f, s := &r.facts, t.score
		f.moved, f.distance, f.unended = f.moved+s.moved, f.distance+s.distance, f.unended+s.unended
		f.below, f.fast, f.bars, f.other = f.below+below[i], f.fast+fast[i], f.bars+len(s.bars), f.other+s.other
		if len(s.bars) > 0 && s.tempo > 0 {
			tempos[s.tempo] += len(s.bars)
		}
		for at, p := range t.line.pitch {
			if t.line.onset[at] {
				low, high = min(low, int(p)), max(high, int(p))
			}
		}
	}
	if r.bars = opt.Bars; r.bars == 0 {
		r.bars = DefaultBars
	}
	switch tempo := usual(tempos); {
	case isMelody:
		r.item, r.bars = melody.Item(), melody.Bars
	case isDrums:
		r.item, r.bars = pattern.Item(), pattern.Bars
	case r.bars > MaxBars:
		return option.Errorf("{Bars} %d: want at most %d", r.bars, MaxBars)
	case r.drums:
		r.item = Drums{r.bars, tempo}.Item()
	default:
		r.item = Melody{r.bars, min(low, high), high, tempo}.Item()
	}
	return r.item.Check()
}

// usual returns the tempo of most bars; of equals the faster; 120 quarter notes a minute if
// there is none.
func usual(tempos map[int]int) int {
	best := 0
	for us, n := range tempos {
		if best == 0 || n > tempos[best] || n == tempos[best] && us < best {
			best = us
		}
	}
	if best == 0 {
		return 500_000
	}
	return best
}

// window writes the window of a tune from a step on. It reports whether the medium has all of
// its tokens.
func (r *reading) window(t *tune, from int, dst []float32) (ok bool) {
	switch m := r.item.Medium.(type) {
	case Melody:
		return m.window(t.line, from, dst)
	case Drums:
		m.window(t.hits, from, dst)
	}
	return true
}

// sounds reports whether something sounds in each bar from a step on.
func (r *reading) sounds(t *tune, from int) bool {
	for bar := from; bar < from+r.bars*Steps; bar += Steps {
		any := false
		for at := bar; at < bar+Steps && !any; at++ {
			any = at < len(t.hits) && t.hits[at] != 0 || at < len(t.line.pitch) && t.line.pitch[at] >= 0
		}
		if !any {
			return false
		}
	}
	return true
}

// cut cuts the windows of all tunes.
func (r *reading) cut() error {
	size := r.item.Size()
	if err := memory.Check(4*int64(size)*int64(r.facts.bars), "the %s windows of %s", english.Thousands(float64(r.facts.bars)), english.Plural(r.bars, "bar")); err != nil {
		return err
	}
	w := make([]float32, size)
	for i := range r.tunes {
		t := &r.tunes[i]
		if t.score == nil {
			continue
		}
		seen := map[string]bool{}
		t.score.windows(r.bars, 1, false, func(from int) {
			key := make([]byte, 0, 2*size)
			switch {
			case !r.sounds(t, from):
				r.facts.silent++
				return
			case !r.window(t, from, w):
				r.facts.beyond++
				return
			}
			for _, v := range w {
				key = append(key, byte(int(v)), byte(int(v)>>8))
			}
			if seen[string(key)] {
				r.facts.again++
				return
			}
			r.rows = append(r.rows, int32(len(seen)))
			seen[string(key)] = true
			r.values, r.of = append(r.values, w...), append(r.of, i)
		})
		if len(seen) == 0 {
			r.facts.none++
		}
	}
	return nil
}

// instead says what there is in place of bars of four quarter notes.
func (r *reading) instead() string {
	if r.facts.other > 0 {
		return fmt.Sprintf("; %s of another length", english.Plural(r.facts.other, "bar has"))
	}
	return ""
}

// fill puts the windows, their labels and their names into the parts of set.
func (r *reading) fill(set *data.Set, l *folder.Layout, place func(i int) int) error {
	set.Classes = l.Classes
	all, err := data.NewValues(r.values, r.item)
	if err != nil {
		return fmt.Errorf("music: %w", err)
	}
	first := make([]int, len(r.files)+1) // window of each tune
	for i, of := range r.of {
		first[of+1] = i + 1
	}
	for i := 1; i < len(first); i++ {
		first[i] = max(first[i], first[i-1])
	}
	id := sha256.New()
	fmt.Fprintf(id, "music %T %+v\n", r.item.Medium, r.item.Medium)
	for _, p := range []struct {
		name  string
		split *data.Split
		index []int // of files
	}{{"train", &set.Train, l.Train}, {"test", &set.Test, l.Test}} {
		var at []int
		for _, i := range p.index {
			k := place(i)
			fmt.Fprintf(id, "%s %q %x\n", p.name, l.Names[i], r.sums[k])
			if l.Labels != nil {
				fmt.Fprintln(id, l.Classes[l.Labels[i]])
			}
			for window := first[k]; window < first[k+1]; window++ {
				at = append(at, window)
				if l.Labels != nil {
					p.split.Labels = append(p.split.Labels, l.Labels[i])
				}
				p.split.Origins.Files = append(p.split.Origins.Files, strings.ToValidUTF8(r.files[k].Name, "\ufffd"))
				p.split.Origins.Rows = append(p.split.Origins.Rows, r.rows[window])
			}
		}
		p.split.Origins.Together = true
		if p.split.Items, err = data.Subset(all, at); err != nil {
			return fmt.Errorf("music: %w", err)
		}
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return nil
}

// noteKnown says how many items of the test part are in the training part too.
func noteKnown(set *data.Set, train, test []float32) {
	size, noun := set.Item().Size(), medium.Noun(set.Item())
	key := func(item []float32) string { return fmt.Sprint(item) }
	have, known := map[string]bool{}, 0
	for item := range slices.Chunk(train, size) {
		have[key(item)] = true
	}
	for item := range slices.Chunk(test, size) {
		if have[key(item)] {
			known++
		}
	}
	if known > 0 {
		set.Tell("%d of %s of the test part are in tunes of the training part too", known, english.Plural(set.Test.Len(), noun))
	}
}

// notes says what the items are, and what was changed or left out to make them.
func (r *reading) notes() []data.Note {
	var s data.Set // collects the notes
	f := r.facts
	of, noun := english.Plural(f.notes, "note"), medium.Noun(r.item)
	tunes := len(r.files) - f.none - len(r.errs.Files)
	what := "tokens of a sixteenth each"
	switch m := r.item.Medium.(type) {
	case Melody:
		what += fmt.Sprintf(", pitches %d to %d; MIDI files are written at %.0f quarter notes a minute", m.Low, m.High, 60e6/float64(m.Tempo))
	case Drums:
		what += fmt.Sprintf(", combinations of %d drums; MIDI files are written at %.0f quarter notes a minute", len(drums), 60e6/float64(m.Tempo))
	}
	s.Tell("%s of %s out of %s, as %s; {Bars} chooses another length", english.Plural(len(r.of), noun), english.Plural(r.bars, "bar"), english.Plural(tunes, "tune"), what)
	if f.moved > 0 {
		s.Tell("%d of %s begin beside a sixteenth, and are moved to the nearest, by %.2f of one on average", f.moved, of, f.distance/float64(f.moved))
	}
	if f.below > 0 {
		s.Tell("left out: %d of %s that sound with a higher one%s", f.below, of, hurried(f.fast))
	}
	if f.unended > 0 {
		s.Warn("%s without an end: they last until their track ends", english.Plural(f.unended, "note"))
	}
	if f.elsewhere > 0 {
		kind := "are percussion"
		if r.drums {
			kind = "are no hits of drums that are known"
		}
		s.Tell("left out: %s that %s", english.Plural(f.elsewhere, "note"), kind)
	}
	if f.other > 0 {
		s.Warn("left out: %d of %s that are not as long as four quarter notes", f.other, english.Plural(f.bars+f.other, "bar"))
	}
	if f.again > 0 {
		s.Tell("left out: %s that their tune has already had", english.Plural(f.again, noun))
	}
	if f.silent > 0 {
		s.Tell("left out: %s with a bar of silence", english.Plural(f.silent, noun))
	}
	if f.beyond > 0 {
		s.Warn("left out: %s with notes outside the pitches that the model knows", english.Plural(f.beyond, noun))
	}
	if f.none > 0 {
		s.Warn("left out: %s in which no %s was found", english.Plural(f.none, "tune"), noun)
	}
	if k := len(r.errs.Files); k > 0 {
		s.Warn("left out: %s that cannot be read (%v)", english.Plural(k, "file"), r.errs.Files[0].Err)
	}
	return s.Notes
}

// hurried says how many notes share their step with another only because steps are coarse.
func hurried(fast int) string {
	if fast == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them only because they fall into one sixteenth", fast)
}
