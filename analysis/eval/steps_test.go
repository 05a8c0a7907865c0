package eval

import (
	"context"
	"math"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/sequence"
)

// The figures per step are quotients of sums: a short sequence counts less than a long one.
func TestPerStep(t *testing.T) {
	roll := pianoroll.Item(4)
	levels := make([]uint8, 2*roll.Size())
	for _, step := range []int{0, 1, 2, 3, 4} { // four steps of the first piece, one of the second
		levels[step*(pianoroll.Keys+1)+pianoroll.Keys] = 255
		levels[step*(pianoroll.Keys+1)+40] = 255
	}
	pieces, err := data.NewInMemory(levels, 2, roll)
	if err != nil {
		t.Fatal(err)
	}
	text := medium.Item{Shape: tensor.Shape{3}, Element: medium.Tokens, Vocabulary: 5}
	words, err := data.NewValues([]float32{0, 4, 2, 1, 1, 3}, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		items      data.Items
		steps      float64
		perplexity bool
	}{{pieces, 5, false}, {words, 6, true}} {
		in := model.Input{Item: c.items.Item()}
		m, err := (&sequence.LanguageConfig{Cell: "gru", RecurrentUnits: []int{3}, Embedding: 2}).New(in)
		if err != nil {
			t.Fatal(err)
		}
		be := cpu.New(1)
		defer be.Close()
		st := be.NewState()
		for _, p := range m.Params {
			if err := st.Set(p.Name, p.Draw(rng.New(5))); err != nil {
				t.Fatal(err)
			}
		}
		e, err := New(latent.New(m, in, exec.New(be, st)))
		if err != nil {
			t.Fatal(err)
		}
		scores, err := e.Evaluate(context.Background(), c.items, 1)
		if err != nil {
			t.Fatal(err)
		}
		loss, _ := scores.Get("test_loss")
		step, ok := scores.Get("test_nats_per_step")
		if want := 2 * loss / c.steps; !ok || !(math.Abs(step-want) <= 1e-9*want) {
			t.Errorf("%v nats a step, want %v", step, want)
		}
		perplexity, ok := scores.Get("test_perplexity")
		if ok != c.perplexity || ok && !(math.Abs(perplexity-math.Exp(step)) <= 1e-9*perplexity) {
			t.Errorf("perplexity %v, %v, of %v nats a step", perplexity, ok, step)
		}
	}
}
