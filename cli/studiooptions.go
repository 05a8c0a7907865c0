package cli

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/likelihood"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/studio"
)

// notOnForm are the flags of train that a form does not have: the studio gives them itself, or they are for a terminal.
var notOnForm = []string{"data", "data-dir", "name", "out", "resume", "config", "init", "seeds", "dry-run", "memory", "help"}

// commonOptions are the options of models that are worth a look at each training; of the flags of train, flagGroups says so.
var commonOptions = []string{"latent", "loss", "beta", "hidden", "filters"}

// studioOptions returns the options of a recipe for a form: the flags of imago train, and the options of its kind, with the values of
// the recipe.
func (a *app) studioOptions(recipe string) ([]studio.Option, error) {
	rec, err := a.Models.Recipe(recipe)
	if err != nil {
		return nil, err
	}
	cfg, err := a.Models.Config(rec)
	if err != nil {
		return nil, err
	}
	train := a.train().Flags()
	defaults := trainingDefaults(rec.Train)
	ofModels := map[string]bool{}
	for _, o := range a.optionsOfKinds() {
		ofModels[o.name] = true
	}
	list := []studio.Option{}
	for _, g := range flagGroups {
		often := strings.Fields(g.often)
		for _, name := range append(often, strings.Fields(g.seldom)...) {
			f := train.Lookup(name)
			if f == nil || f.Hidden || ofModels[name] || slices.Contains(notOnForm, name) {
				continue
			}
			_, help := pflag.UnquoteUsage(f)
			o := studio.Option{Name: name, Type: formType(f.Value.Type()), Help: help, Default: f.DefValue, Group: g.title, Common: slices.Contains(often, name)}
			if v, ok := defaults[name]; ok {
				o.Default = v
			}
			if f.Value.Type() == "stringSlice" {
				o.Default = ""
			}
			if name == "optimizer" {
				o.Values = optim.Names()
			}
			list = append(list, o)
		}
	}
	for _, f := range model.Flags(cfg) {
		o := studio.Option{Name: f.Name, Type: f.Type(), Help: f.Help, Default: f.String(), Group: groupModel, Common: slices.Contains(commonOptions, f.Name)}
		if f.Name == "loss" {
			o.Values = a.lossesOf(rec)
		}
		list = append(list, o)
	}
	return list, nil
}

// trainingDefaults returns the values that flags of train have by the recipe.
func trainingDefaults(t model.Training) map[string]string {
	d := map[string]string{"batch": strconv.Itoa(t.Batch), "lr": fmt.Sprint(t.LearningRate), "schedule": t.Schedule, "log-steps": strconv.Itoa(t.LogSteps), "epochs": strconv.Itoa(t.Epochs), "steps": strconv.Itoa(t.Steps)}
	if t.Steps > 0 {
		d["epochs"] = "0"
	}
	return d
}

// formType returns the type of a flag as a form has it.
func formType(of string) string {
	switch of {
	case "int", "int64", "uint64":
		return "int"
	case "float64":
		return "float"
	case "bool":
		return "bool"
	}
	return "string"
}

// lossesOf returns the losses that the configuration of a recipe accepts.
func (a *app) lossesOf(rec model.Recipe) []string {
	names := likelihood.Names()
	for _, l := range gan.Losses() {
		names = append(names, l.Name)
	}
	var good []string
	for _, name := range names {
		cfg, err := a.Models.Config(rec)
		if err != nil {
			return nil
		}
		for _, f := range model.Flags(cfg) {
			if f.Name == "loss" && f.Set(name) == nil && cfg.Validate() == nil && !slices.Contains(good, name) {
				good = append(good, name)
			}
		}
	}
	return good
}

// studioChoice returns the recipe that suits data, as imago train without a recipe takes it.
func (a *app) studioChoice(l data.Look) (recipe string, options map[string]string, why string) {
	c := catalog.Choose(l, nil)
	options = map[string]string{}
	if _, err := a.Models.Recipe(c.Recipe); err != nil { // a program with recipes of its own
		return "", options, ""
	}
	for _, o := range c.Options {
		options[o.Name] = o.Value
	}
	return c.Recipe, options, fmt.Sprintf("%s: %s, about %s on 2 processors", c.What, c.How, c.Duration())
}

// ownCommand returns a command of this program.
func ownCommand(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil { // starting it says why
		self = os.Args[0]
	}
	return exec.Command(self, args...)
}
