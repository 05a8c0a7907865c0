package runlog

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/internal/english"
)

// Thinned reads the log for a picture, which cannot show more than some thousand lines: of the lines of each kind at most
// 2·most, at equal distances, and the last. Every line of an epoch is kept, and every line with a warning. thinned says what
// is left of a kind, if lines of it are left out, as "one in 64 of 2,000,000 points": whoever shows the lines is to say it.
func (r *Run) Thinned(most int) (lines []Line, thinned map[string]string, err error) {
	if err := checkLog(r.Folder()); err != nil {
		return nil, nil, err
	}
	t := thinner{most: most, kinds: map[string]*thinKind{}}
	if err := forEachLine(r.Folder(), t.take); err != nil {
		return nil, nil, err
	}
	return t.end()
}

// A thinner takes the lines of a log and keeps some of them.
type thinner struct {
	most  int
	n     int // lines so far
	lines []placed
	kinds map[string]*thinKind
}

// A placed line is one that is kept.
type placed struct {
	Line
	at    int // its number in the log
	index int // among the lines of its kind that can be left out; -1 = it is kept in any case
}

// A thinKind is what was seen of a kind of lines that can be left out.
type thinKind struct {
	n, kept, every int
	last           []byte // the last line, if it was left out
	at             int    // its number
}

// take takes a line. One that is left out is not decoded.
func (t *thinner) take(b []byte) error {
	t.n++
	kind := kindOf(b)
	if kind == "" {
		l, err := decode(b)
		if err != nil {
			return err
		}
		kind = l.Kind
	}
	p := placed{at: t.n, index: -1}
	if kind != EpochLine && !bytes.Contains(b, []byte(`"warnings"`)) {
		k := t.kinds[kind]
		if k == nil {
			k = &thinKind{every: 1}
			t.kinds[kind] = k
		}
		p.index = k.n
		k.n++
		if p.index%k.every != 0 {
			k.last, k.at = append(k.last[:0], b...), t.n
			return nil
		}
		k.last = k.last[:0]
		k.kept++
	}
	var err error
	if p.Line, err = decode(b); err != nil {
		return err
	}
	t.lines = append(t.lines, p)
	if k := t.kinds[kind]; p.index >= 0 && k.kept > 2*t.most {
		k.every *= 2
		t.lines = slices.DeleteFunc(t.lines, func(p placed) bool { return p.index >= 0 && p.Kind == kind && p.index%k.every != 0 })
		k.kept = (k.kept + 1) / 2
	}
	return nil
}

// end returns the lines in their order, and what is left out of each kind.
func (t *thinner) end() (lines []Line, thinned map[string]string, err error) {
	thinned = map[string]string{}
	for kind, k := range t.kinds {
		if len(k.last) > 0 {
			p := placed{at: k.at}
			if p.Line, err = decode(k.last); err != nil {
				return nil, nil, err
			}
			t.lines = append(t.lines, p)
		}
		if k.every > 1 {
			thinned[kind] = fmt.Sprintf("one in %s of %s", english.Thousands(float64(k.every)), english.Plural(k.n, "point"))
		}
	}
	slices.SortFunc(t.lines, func(a, b placed) int { return a.at - b.at })
	for _, p := range t.lines {
		lines = append(lines, p.Line)
	}
	return lines, thinned, nil
}
