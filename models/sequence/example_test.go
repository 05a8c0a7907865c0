package sequence_test

import (
	"fmt"

	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/sequence"
)

// A language model of pieces of up to 32 steps. Register the kind in a model.Registry, and the
// command line trains it as any other.
func Example() {
	kind, _, recipe := sequence.LanguageModel()
	config, err := kind.Decode([]byte(recipe.Config))
	if err != nil {
		panic(err)
	}
	m, err := config.New(model.Input{Item: pianoroll.Item(32)})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	for _, p := range m.Params {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// loss = Σ_steps −ln p(x_t|x_<t), nats per piece
	// network/lstm/kernel [88,800]
	// network/lstm/bias [800]
	// network/lstm/recurrent_kernel [200,800]
	// network/logits/kernel [200,88]
	// network/logits/bias [88]
}

// Builds a deep Markov model of pieces of up to 32 steps: it has a latent state for each step.
func ExampleDMM() {
	kind, _ := sequence.DMM()
	m, err := kind.Default().New(model.Input{Item: pianoroll.Item(32)})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	// Output:
	// loss = Σ_steps −ln p(x_t|z_t) + 1·min(1, epoch/50)·KL(q(z_t|z_t−1, x_≥t) ‖ p(z_t|z_t−1)), nats per piece
}
