package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
)

// tokenFlags are the flags that say how the tokens of a text are chosen.
type tokenFlags struct{ latent.TokenChoice }

// addFlags declares the flags.
func (t *tokenFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.Float64Var(&t.Temperature, "temperature", 0, "draw the tokens of a text: 1 as likely as the model has them, less makes likely ones more likely; 0 takes the most likely one")
	f.Float64Var(&t.TopP, "top-p", 0, "draw from the most likely tokens alone whose `probabilities` add up to this, as 0.9; with --temperature")
	f.IntVar(&t.Beams, "beams", 0, "search for the most likely text by so many `texts` at a time, as 5")
}

// check returns why the flags are not those of a model, or nil.
func (t *tokenFlags) check(m *trainedModel) error {
	if err := t.Check(); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "latent: "))
	}
	if !t.IsZero() && m.Model().Stepper == nil {
		return fmt.Errorf("--temperature, --top-p and --beams are for texts, and %s makes none", m.recipe)
	}
	return nil
}

// decode returns the items of codes, their tokens chosen as the flags say.
func (t *tokenFlags) decode(ctx context.Context, m *trainedModel, key rng.Key, z, labels []float32) ([]float32, error) {
	if t.IsZero() {
		return m.DecodeAs(ctx, z, labels)
	}
	return m.DecodeTokens(ctx, key.Split("tokens"), z, labels, t.TokenChoice)
}

// mostTexts is the most texts that a command prints.
const mostTexts = 100

// printTexts prints items that are texts, one a line; nothing of other items. Of several columns
// of as many items each, a line has one of each. A blank line follows every group of so many lines; 0 = none
// does.
func (a *app) printTexts(item medium.Item, group int, columns ...[]float32) {
	m, ok := item.Medium.(medium.Texter)
	if !ok {
		return
	}
	size := item.Size()
	n := len(columns[0]) / size
	w := tabwriter.NewWriter(a.out, 0, 0, 3, ' ', 0)
	for i := range min(n, mostTexts) {
		if group > 0 && i > 0 && i%group == 0 {
			fmt.Fprintln(w)
		}
		var cells []string
		for _, c := range columns {
			cells = append(cells, screen.Text(m.Text(item, c[i*size:(i+1)*size])))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	w.Flush() // an error of standard output has appeared before
	if n > mostTexts {
		fmt.Fprintf(a.out, "and %s more\n", english.Plural(n-mostTexts, medium.Noun(item)))
	}
}
