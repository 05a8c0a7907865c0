package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/runlog"
)

// chooseRecipe returns the recipe that suits the set of --data, for a command line that names none. It sets the flags
// that the user did not give, and says what it chose and why.
func (a *app) chooseRecipe(c *cobra.Command, t *trainFlags) (string, error) {
	f := c.Flags()
	if t.data == "-" {
		return "", usagef(c, "--data - can be read only once: name a recipe, such as mlp-vae for a table")
	}
	opt, err := t.dataOptions(c)
	if err == nil {
		err = opt.Validate()
	}
	if err != nil {
		return "", usage(c, err)
	}
	look, err := a.Data.Look(c.Context(), t.data, opt)
	if err != nil {
		return "", err
	}
	if t.limit > 0 {
		look.N = min(look.N, t.limit)
	}
	if t.gray && look.Channels > 0 {
		look.Channels = 1
	}
	given := map[string]int{}
	for name, value := range map[string]int{"size": max(t.size, t.crop), "batch": t.batch, "epochs": t.epochs} {
		if f.Changed(name) || name == "size" && value > 0 {
			given[name] = value
		}
	}
	choice := catalog.Choose(look, given)
	if _, err := a.Models.Recipe(choice.Recipe); err != nil { // a program with recipes of its own
		return "", usagef(c, "train wants one recipe; have %s", recipeNames(&a.Models))
	}
	command := []string{"imago train", choice.Recipe, "--data", screen.ShellName(t.data)}
	for _, o := range choice.Options {
		if f.Changed(o.Name) || o.Name == "epochs" && f.Changed("steps") {
			continue
		}
		if err := f.Set(o.Name, o.Value); err != nil {
			return "", err
		}
		if o.Value == "true" {
			command = append(command, "--"+o.Name)
		} else {
			command = append(command, "--"+o.Name, o.Value)
		}
	}
	fmt.Fprintf(a.err, "imago: %s: %s: %s %s, about %s on 2 processors\n", t.data, choice.What, choice.Recipe, choice.How, choice.Duration())
	fmt.Fprintf(a.err, "imago: that is %s; name a recipe to take another\n", strings.Join(command, " "))
	return choice.Recipe, nil
}

// doubt warns of a model that cannot do well on a set.
func (a *app) doubt(config *runlog.Config, set *data.Set) {
	for _, err := range catalog.Doubts(config.Kind, config.Model, set.Item(), set.Train.Len()) {
		a.warn("%s", a.errorText(err))
	}
}
