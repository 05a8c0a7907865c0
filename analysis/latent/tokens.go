package latent

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
)

// A TokenChoice says how the tokens of a sequence are chosen, one after another. The zero value
// takes the most likely one each time, as Decode does.
type TokenChoice struct {
	// Temperature divides the logits of a draw: 1 draws from p(x|z), less makes what is likely more
	// likely, and 0 takes the most likely token.
	Temperature float64
	// TopP keeps, in a draw, the most likely tokens whose probabilities just add up to it; 0 is all.
	// Holtzman et al., arXiv:1904.09751, sec. 3.1.
	TopP float64
	// Beams is the number of sequences that a search for the most likely one keeps at each step; 0 and
	// 1 are none. It draws nothing.
	Beams int
}

// IsZero reports whether the choice is that of Decode.
func (c TokenChoice) IsZero() bool { return c.Temperature == 0 && c.TopP == 0 && c.Beams <= 1 }

// MaxBeams bounds TokenChoice.Beams: a step has so many rows for each code.
const MaxBeams = 256

// Check returns why a choice is not valid, or nil.
func (c TokenChoice) Check() error {
	switch {
	case !(c.Temperature >= 0) || math.IsInf(c.Temperature, 0):
		return fmt.Errorf("latent: a temperature of %v: want 0 (the most likely token) or more, as 0.8", c.Temperature)
	case !(c.TopP >= 0 && c.TopP <= 1):
		return fmt.Errorf("latent: the most likely tokens up to a probability of %v: want more than 0, up to 1", c.TopP)
	case c.TopP > 0 && c.Temperature == 0:
		return fmt.Errorf("latent: the most likely tokens up to a probability of %v are drawn from: want a temperature above 0, as 1", c.TopP)
	case c.Beams < 0 || c.Beams > MaxBeams:
		return fmt.Errorf("latent: %d beams: want 1 to %d", c.Beams, MaxBeams)
	case c.Beams > 1 && c.Temperature > 0:
		return fmt.Errorf("latent: %d beams at a temperature of %v: a search draws nothing; want one of them", c.Beams, c.Temperature)
	}
	return nil
}

// DecodeTokens returns the sequence of each code, its tokens chosen one after another: see
// TokenChoice. Sequence i is drawn at key.At(i), whatever the others are. It fails if the model is
// none of sequences of tokens, or as DecodeAs does.
//
// z (N, Z), labels (N, K) or nil → ids (N, T).
func (s *Session) DecodeTokens(ctx context.Context, key rng.Key, z, labels []float32, how TokenChoice) ([]float32, error) {
	if s.model.Stepper == nil {
		return nil, fmt.Errorf("latent: this model decodes no sequences of tokens, one token at a time")
	}
	units := s.model.Latent
	n := len(z) / units
	if err := cmp.Or(how.Check(), s.checkLabels(s.DecodeLabels(), n, labels), checkCodes("codes to decode", z, units)); err != nil {
		return nil, err
	}
	beams := max(1, how.Beams)
	batch := max(1, min(n, s.batch/beams))
	d := stepping{Session: s, how: how, key: key, beams: beams}
	var err error
	if d.start, err = d.call(s.model.Stepper.Start, batch*beams); err == nil {
		d.step, err = d.call(s.model.Stepper.Step, batch*beams)
	}
	if err != nil {
		return nil, wrap(err)
	}
	var all []float32
	for at := 0; at < n; at += batch {
		count := min(batch, n-at)
		var some []float32
		if labels != nil {
			some = labels[at*s.in.Labels : (at+count)*s.in.Labels]
		}
		ids, err := d.decode(ctx, at, z[at*units:(at+count)*units], some)
		if err != nil {
			return nil, wrap(err)
		}
		all = append(all, ids...)
	}
	return all, nil
}

// A stepping decodes codes of one batch size.
type stepping struct {
	*Session
	how         TokenChoice
	key         rng.Key
	beams       int // rows of each code
	start, step *exec.Call
}

// call returns a call of a function for so many rows.
func (d *stepping) call(f model.Function, rows int) (*exec.Call, error) {
	p, err := d.Func(f).Program(rows)
	if err != nil {
		return nil, err
	}
	return p.NewCall(), nil
}

// A hypothesis is a sequence so far, and ln p of it.
type hypothesis struct {
	ids   []float32
	score float64
	ended bool
	from  int // its row in the step before
}

// decode returns the sequences of the codes at and after: (n, T).
func (d *stepping) decode(ctx context.Context, at int, z, labels []float32) ([]float32, error) {
	units, steps := d.model.Latent, d.in.Size()
	n := len(z) / units
	rows := func(v []float32, width int) []float32 { // each code, once for each beam
		var all []float32
		for i := range n {
			for range d.beams {
				all = append(all, v[i*width:(i+1)*width]...)
			}
		}
		return all
	}
	for _, c := range []*exec.Call{d.start, d.step} {
		if c.Program().Takes(model.InputZ) {
			if err := c.Put(model.InputZ, rows(z, units)); err != nil {
				return nil, err
			}
		}
		if labels != nil && c.Program().Takes(model.InputLabels) {
			if err := c.Put(model.InputLabels, rows(labels, d.in.Labels)); err != nil {
				return nil, err
			}
		}
	}
	if err := d.start.Run(); err != nil {
		return nil, err
	}
	size := d.step.Input(model.InputState).Size() / d.step.Input(model.InputState).Shape()[0]
	state := slices.Clone(d.start.Output(model.OutputState).F32())
	token := d.step.Input(model.InputToken).F32()
	beams := make([][]hypothesis, n)
	draws := make([][]float32, n)
	for i := range beams {
		beams[i] = make([]hypothesis, d.beams)
		for k := range beams[i] {
			beams[i][k] = hypothesis{from: i*d.beams + k, score: math.Inf(-1)}
		}
		beams[i][0].score = 0 // the others are the same sequence
		draws[i] = make([]float32, steps)
		d.key.At(uint64(at + i)).Uniform(draws[i])
	}
	end, ends := medium.End(d.in.Item)
	for t := range steps {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		into := d.step.Input(model.InputState).F32()
		over := true
		for i, hypotheses := range beams {
			for k, h := range hypotheses {
				row := i*d.beams + k
				copy(into[row*size:(row+1)*size], state[h.from*size:(h.from+1)*size])
				token[row] = -1
				if t > 0 {
					token[row] = h.ids[t-1]
				}
				over = over && h.ended
			}
		}
		if over {
			break
		}
		if err := d.step.Run(); err != nil {
			return nil, err
		}
		copy(state, d.step.Output(model.OutputState).F32())
		logits := d.step.Output(model.OutputNext).F32()
		for i := range beams {
			beams[i] = d.extend(beams[i], i*d.beams, logits, draws[i][t], end, ends)
		}
	}
	var all []float32
	for _, hypotheses := range beams {
		ids := hypotheses[0].ids
		for len(ids) < steps {
			ids = append(ids, float32(end))
		}
		all = append(all, ids...)
	}
	return all, nil
}

// extend returns the hypotheses of one code with one more token, the most likely first.
func (d *stepping) extend(now []hypothesis, row int, logits []float32, u float32, end int, ends bool) []hypothesis {
	v := d.in.Vocabulary
	if d.beams == 1 {
		h := now[0]
		id := end
		if !h.ended {
			id = choose(logits[row*v:(row+1)*v], d.how, float64(u))
		}
		return []hypothesis{{append(h.ids, float32(id)), 0, ends && id == end, row}}
	}
	type candidate struct {
		k, id int
		score float64
	}
	var best []candidate
	for k, h := range now {
		if h.ended {
			best = append(best, candidate{k, end, h.score})
			continue
		}
		if math.IsInf(h.score, -1) {
			continue
		}
		l := logits[(row+k)*v : (row+k+1)*v]
		total := logSum(l)
		for id, x := range l {
			best = append(best, candidate{k, id, h.score + float64(x) - total})
		}
	}
	slices.SortStableFunc(best, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	var next []hypothesis
	for _, c := range best[:min(len(best), d.beams)] {
		next = append(next, hypothesis{append(slices.Clone(now[c.k].ids), float32(c.id)), c.score, ends && c.id == end, row + c.k})
	}
	for len(next) < d.beams { // fewer tokens than beams
		last := next[len(next)-1]
		last.score = math.Inf(-1)
		next = append(next, last)
	}
	return next
}

// logSum returns ln Σ eˡ.
func logSum(l []float32) float64 {
	top, sum := float64(slices.Max(l)), 0.0
	for _, x := range l {
		sum += math.Exp(float64(x) - top)
	}
	return top + math.Log(sum)
}

// choose returns a token given the logits of all: the most likely one, or one drawn with u of
// [0, 1).
func choose(logits []float32, how TokenChoice, u float64) int {
	best := 0
	for id, x := range logits {
		if x > logits[best] {
			best = id
		}
	}
	if how.Temperature == 0 {
		return best
	}
	order := make([]int, len(logits))
	p := make([]float64, len(logits))
	sum := 0.0
	for id, x := range logits {
		order[id] = id
		p[id] = math.Exp((float64(x) - float64(logits[best])) / how.Temperature)
		sum += p[id]
	}
	if how.TopP > 0 && how.TopP < 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) })
		kept := 0.0
		for i, id := range order {
			if kept += p[id]; kept >= how.TopP*sum {
				order, sum = order[:i+1], kept
				break
			}
		}
	}
	u *= sum
	for _, id := range order {
		if u -= p[id]; u < 0 {
			return id
		}
	}
	return order[len(order)-1]
}
