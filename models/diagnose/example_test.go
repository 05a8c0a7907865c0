package diagnose_test

import (
	"fmt"

	"github.com/imago-ml/imago/models/diagnose"
	"github.com/imago-ml/imago/models/model"
)

// A model of your own brings rules of its own beside those that it shares.
func Example() {
	codebook := diagnose.Option{Field: "Codebook", Value: 512}
	rules := append(diagnose.Rules{{Name: "unused-codes", Check: func(h *model.History) *model.Warning {
		used := diagnose.Test(h, "perplexity")
		if !diagnose.Settled(h, 2, 0) || !(used < 10) {
			return nil
		}
		return diagnose.Warning(codebook.Fewer(), "only %.0f codes are used", used)
	}}}, diagnose.Learning{}.Rules()...)
	m := &model.Model{Diagnostics: rules}

	epoch := model.Record{Epoch: 1, Step: 500, Test: map[string]float64{"perplexity": 4}}
	h := &model.History{Epochs: []model.Record{epoch}, EpochEnded: true, Final: true}
	for _, w := range m.Diagnostics.Diagnose(h) {
		fmt.Println(w.Message(nil))
	}
	// Output: only 4 codes are used: try fewer Codebook (512 now)
}
