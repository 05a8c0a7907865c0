package runlog

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
)

// A Thin is the log of a run as a picture or a page shows it, which cannot show more than some thousand lines. Whoever shows
// it is to say what is left out.
type Thin struct {
	Lines    []Line           // in the order of the log
	Kinds    map[string]Share // by the kind: how many of its lines are among them; "" = kinds that imago does not write
	Warnings int              // warnings of lines that are left out
}

// A Share says that of lines one in Every is there, of Of in all.
type Share struct{ Every, Of int }

// String returns the share if lines are left out, as "one in 64 of 2,000,000 points", else "".
func (s Share) String() string {
	if s.Every <= 1 {
		return ""
	}
	return fmt.Sprintf("one in %s of %s", english.Thousands(float64(s.Every)), english.Plural(s.Of, "point"))
}

// Thinned reads the log for a picture or a page: of the lines of each kind at most 2·most, at equal distances, and the last.
// The first 2·most lines with a warning are kept besides, and of epochs the line of the best and that of the lowest test
// loss. The memory that it takes does not grow with the log.
func (r *Run) Thinned(most int) (*Thin, error) {
	t := thinner{most: most, kinds: map[string]*thinKind{}}
	if err := forEachLine(r.Folder(), t.take); err != nil {
		return nil, err
	}
	return t.end()
}

// A thinner takes the lines of a log and keeps some of them.
type thinner struct {
	most     int
	n        int // lines so far
	lines    []placed
	kinds    map[string]*thinKind
	warned   int   // lines that are kept for their warnings
	warnings int   // those of lines that are left out
	bytes    int64 // of the lines that are kept, as they are in the log
	asked    int64 // for so many there is memory

	best   []byte  // the line of the best epoch
	bestAt int     // its number
	lowest *placed // the first epoch with the lowest test loss
}

// A placed line is one that is kept.
type placed struct {
	Line
	at    int    // its number in the log
	index int    // among the lines of its kind that can be left out; -1 = it is kept in any case
	kind  string // in Thin.Kinds
	bytes int    // of the line in the log
}

// A thinKind is what was seen of a kind of lines.
type thinKind struct {
	of             int    // lines
	n, kept, every int    // lines that can be left out, those that are kept, and one in how many is
	last           []byte // the last line, if it was left out
	at             int    // its number
}

// take takes a line. One that is left out is decoded only if something is to be known of it.
func (t *thinner) take(b []byte) (err error) {
	t.n++
	p := placed{at: t.n, index: -1, kind: kindOf(b), bytes: len(b)}
	has := func(text string) bool { return bytes.Contains(b, []byte(text)) }
	decoded := p.kind == "" || has(`"warnings"`) || p.kind == EpochLine && (has(`"`+testLoss+`"`) || has(`"best"`) && !has(isBest))
	if decoded {
		if p.Line, err = decode(b); err != nil {
			return err
		}
		p.kind = p.Kind
	}
	switch p.kind {
	case EpochLine:
		t.compare(p, b, decoded)
	case StepLine, IntervalLine:
	default: // a log of a stranger may have another in each line
		p.kind = ""
	}
	k := t.kinds[p.kind]
	if k == nil {
		k = &thinKind{every: 1}
		t.kinds[p.kind] = k
	}
	k.of++
	if len(p.Warnings) > 0 && t.warned < 2*t.most {
		t.warned++
		return t.add(p)
	}
	p.index = k.n
	k.n++
	if p.index%k.every != 0 {
		t.warnings += len(p.Warnings)
		k.last, k.at = append(k.last[:0], b...), t.n
		return nil
	}
	k.last = k.last[:0]
	k.kept++
	if !decoded {
		if p.Line, err = decode(b); err != nil {
			return err
		}
	}
	if k.kept > 2*t.most {
		defer t.halve(p.kind, k)
	}
	return t.add(p)
}

// add keeps a line, if there is memory for it.
func (t *thinner) add(p placed) error {
	t.lines = append(t.lines, p)
	t.bytes += int64(p.bytes)
	if t.bytes <= t.asked {
		return nil
	}
	t.asked = 2*t.bytes + 1<<20
	return memory.Check(mostGrowth*t.asked, "the lines of %s", MetricsFile)
}

// testLoss is the metric of which a page says where it was lowest, as package eval calls it.
const testLoss = "test_loss"

// isBest is what the line of the best epoch has, as imago writes it.
const isBest = `"best":true`

// compare notes the line of an epoch if it may be the best, as BestEpoch says, or has the lowest test loss.
func (t *thinner) compare(p placed, b []byte, decoded bool) {
	if decoded && p.Best || !decoded && bytes.Contains(b, []byte(isBest)) {
		t.best, t.bestAt = append(t.best[:0], b...), p.at
	}
	if v, ok := p.Test[testLoss]; ok && (t.lowest == nil || v < t.lowest.Test[testLoss]) {
		t.lowest = &p
	}
}

// halve leaves out every second line of a kind.
func (t *thinner) halve(kind string, k *thinKind) {
	k.every *= 2
	k.kept = (k.kept + 1) / 2
	t.lines = slices.DeleteFunc(t.lines, func(p placed) bool {
		out := p.kind == kind && p.index >= 0 && p.index%k.every != 0
		if out {
			t.warnings += len(p.Warnings)
			t.bytes -= int64(p.bytes)
		}
		return out
	})
}

// end returns the lines in their order, and what is left out.
func (t *thinner) end() (*Thin, error) {
	thin := &Thin{Kinds: map[string]Share{}}
	for kind, k := range t.kinds {
		thin.Kinds[kind] = Share{k.every, k.of}
		if len(k.last) > 0 {
			l, err := decode(k.last)
			if err != nil {
				return nil, err
			}
			t.insert(placed{Line: l, at: k.at})
		}
	}
	if len(t.best) > 0 {
		l, err := decode(t.best)
		if err != nil {
			return nil, err
		}
		t.insert(placed{Line: l, at: t.bestAt})
	}
	if t.lowest != nil {
		t.insert(*t.lowest)
	}
	slices.SortFunc(t.lines, func(a, b placed) int { return a.at - b.at })
	for _, p := range t.lines {
		thin.Lines = append(thin.Lines, p.Line)
	}
	thin.Warnings = t.warnings
	return thin, nil
}

// insert puts back a line that may have been left out.
func (t *thinner) insert(p placed) {
	if !slices.ContainsFunc(t.lines, func(q placed) bool { return q.at == p.at }) {
		t.lines = append(t.lines, p)
		t.warnings -= len(p.Warnings)
	}
}
