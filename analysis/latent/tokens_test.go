package latent

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/text"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// sequences returns a session of a VAE of texts of at most 4 of 3 letters, with weights that make some of them likely.
func sequences(t *testing.T) *Session {
	t.Helper()
	it := text.Item(text.Medium{Tokens: text.Characters, Vocabulary: []string{"a", "b"}, Length: 4})
	kind, _, _ := vae.SequenceVAE()
	c := kind.Default()
	if err := model.SetOptions(c, []string{"latent=3", "embedding=4", "encoder-units=3", "decoder-units=8,6"}); err != nil {
		t.Fatal(err)
	}
	m, err := c.New(model.Input{Item: it})
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for _, p := range m.Params {
		w[p.Name] = p.Draw(rng.New(5))
		for i := range w[p.Name].F32() {
			w[p.Name].F32()[i] *= 2.5
		}
	}
	be := cpu.New(2)
	t.Cleanup(func() { be.Close() })
	s, err := Load(m, model.Input{Item: it}, be, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// logProbability returns ln p(x|z) of each text, as the steps of the decoder give it.
func logProbability(t *testing.T, s *Session, z, ids []float32) []float64 {
	t.Helper()
	n := len(z) / s.Latent()
	d := stepping{Session: s, beams: 1}
	var err error
	if d.start, err = d.call(s.model.Stepper.Start, n); err != nil {
		t.Fatal(err)
	}
	if d.step, err = d.call(s.model.Stepper.Step, n); err != nil {
		t.Fatal(err)
	}
	if err := d.start.Put(model.InputZ, z); err != nil {
		t.Fatal(err)
	}
	if err := d.step.Put(model.InputZ, z); err != nil {
		t.Fatal(err)
	}
	if err := d.start.Run(); err != nil {
		t.Fatal(err)
	}
	state := slices.Clone(d.start.Output(model.OutputState).F32())
	p, v, steps := make([]float64, n), s.Item().Vocabulary, s.Item().Size()
	for at := range steps {
		copy(d.step.Input(model.InputState).F32(), state)
		for i := range n {
			d.step.Input(model.InputToken).F32()[i] = -1
			if at > 0 {
				d.step.Input(model.InputToken).F32()[i] = ids[i*steps+at-1]
			}
		}
		if err := d.step.Run(); err != nil {
			t.Fatal(err)
		}
		copy(state, d.step.Output(model.OutputState).F32())
		for i := range n {
			if at > 0 && ids[i*steps+at-1] == 0 {
				continue // ended
			}
			l := d.step.Output(model.OutputNext).F32()[i*v : (i+1)*v]
			p[i] += float64(l[int(ids[i*steps+at])]) - logSum(l)
		}
	}
	return p
}

// TestDecodeTokens checks that the usual choice is that of Decode, that a search over as many texts as there are finds
// the most likely one, and that draws have the probabilities of the model.
func TestDecodeTokens(t *testing.T) {
	s, ctx := sequences(t), context.Background()
	const n = 20
	z := SamplePrior(rng.New(4), n, 3)
	want, err := s.Decode(ctx, z)
	if err != nil {
		t.Fatal(err)
	}
	greedy, err := s.DecodeTokens(ctx, rng.New(1), z, nil, TokenChoice{})
	if err != nil || !slices.Equal(greedy, want) {
		t.Fatalf("%v, %v, want %v", greedy, err, want)
	}
	best, err := s.DecodeTokens(ctx, rng.New(1), z, nil, TokenChoice{Beams: 256})
	if err != nil {
		t.Fatal(err)
	}
	// All texts of 4 letters of 4 ids, an end and an unknown one among them.
	top := make([]float64, n)
	for i := range top {
		top[i] = math.Inf(-1)
	}
	for k := range 256 {
		ids := []float32{float32(k % 4), float32(k / 4 % 4), float32(k / 16 % 4), float32(k / 64)}
		if at := slices.Index(ids, 0); at >= 0 && slices.Max(ids[at:]) > 0 {
			continue
		}
		for i, p := range logProbability(t, s, z, slices.Repeat(ids, n)) {
			top[i] = max(top[i], p)
		}
	}
	better := 0
	found, usual := logProbability(t, s, z, best), logProbability(t, s, z, greedy)
	for i := range n {
		if !(math.Abs(found[i]-top[i]) < 1e-4) {
			t.Errorf("text %d: the search found ln p = %v, the most likely has %v", i, found[i], top[i])
		}
		if found[i] > usual[i]+1e-4 {
			better++
		}
	}
	if better == 0 {
		t.Error("no text of the search is better than that of the most likely tokens: the test tests nothing")
	}
	// Draws of one code: the share of each text is its probability.
	const draws = 4000
	some, err := s.DecodeTokens(ctx, rng.New(2), slices.Repeat(z[:3], draws), nil, TokenChoice{Temperature: 1})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[[4]float32]int{}
	for i := range draws {
		counts[[4]float32(some[i*4:])]++
	}
	for ids, count := range counts {
		p := math.Exp(logProbability(t, s, z[:3], ids[:])[0])
		if got, tolerance := float64(count)/draws, 5*math.Sqrt(p/draws)+2.0/draws; !(math.Abs(got-p) < tolerance) {
			t.Errorf("%v is drawn with a share of %v, and has the probability %v", ids, got, p)
		}
	}
	again, err := s.DecodeTokens(ctx, rng.New(2), slices.Repeat(z[:3], 7), nil, TokenChoice{Temperature: 1})
	if err != nil || !slices.Equal(again, some[:28]) {
		t.Error("a draw depends on the others beside it")
	}
}

func TestChoose(t *testing.T) {
	logits := []float32{0, float32(math.Log(6)), float32(math.Log(3))} // 0.1, 0.6, 0.3
	for _, tt := range []struct {
		how  TokenChoice
		want []int // at u = 0.05, 0.5, 0.95
	}{
		{TokenChoice{}, []int{1, 1, 1}},
		{TokenChoice{Temperature: 1}, []int{0, 1, 2}},
		{TokenChoice{Temperature: 0.01}, []int{1, 1, 1}},
		{TokenChoice{Temperature: 1, TopP: 0.5}, []int{1, 1, 1}},
		{TokenChoice{Temperature: 1, TopP: 0.7}, []int{1, 1, 2}},
	} {
		for i, u := range []float64{0.05, 0.5, 0.95} {
			if got := choose(logits, tt.how, u); got != tt.want[i] {
				t.Errorf("%+v at %v: %d, want %d", tt.how, u, got, tt.want[i])
			}
		}
	}
	for want, bad := range map[string]TokenChoice{
		"temperature of -1": {Temperature: -1}, "a temperature of NaN": {Temperature: math.NaN()}, "up to a probability of 2": {Temperature: 1, TopP: 2},
		"want a temperature above 0": {TopP: 0.5}, "300 beams": {Beams: 300}, "a search draws nothing": {Beams: 2, Temperature: 1},
	} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", bad, err, want)
		}
	}
	m, w := newModel(t, vae.MLPVAE)
	if _, err := load(t, m, w).DecodeTokens(context.Background(), rng.New(1), make([]float32, 2), nil, TokenChoice{}); err == nil {
		t.Error("an image is decoded as tokens")
	}
	if _, err := sequences(t).Reconstruct(context.Background(), noise(t, 2)); err == nil {
		t.Error("images are read as texts")
	}
}
