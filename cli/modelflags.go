package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
)

// modelFlags are the options of all kinds of models, as flags of one command. The kind is known only when the recipe is
// known, so a flag keeps the text of its value until apply.
type modelFlags struct {
	options []*optionFlag
}

// An optionFlag is a flag that keeps the text of its value. It is a pflag.Value.
type optionFlag struct {
	name, kind, value string
	set               bool
	word              string // the flag that set the value, if it was a lossWord
	conflict          error  // two flags gave different values
}

// A lossWord is a flag that sets --loss, as --bce for --loss bce. It is a pflag.Value.
type lossWord struct {
	word string
	loss *optionFlag
}

// lossWords are the values of --loss that are flags too.
var lossWords = []string{"bce", "mse"}

// String returns whether the flag was given.
func (l *lossWord) String() string { return strconv.FormatBool(l.loss != nil && l.loss.word == l.word) }

// Type returns the type, for the help.
func (l *lossWord) Type() string { return "bool" }

// Set gives --loss the word.
func (l *lossWord) Set(s string) error {
	on, err := strconv.ParseBool(s)
	if err != nil || !on {
		return err
	}
	err = l.loss.Set(l.word)
	l.loss.word = l.word
	return err
}

// String returns the text.
func (g *optionFlag) String() string { return g.value }

// Type returns the type of the option, for the help.
func (g *optionFlag) Type() string { return g.kind }

// Set keeps the text. Different values of --loss and its words are an error of apply.
func (g *optionFlag) Set(s string) error {
	if g.word != "" && s != g.word {
		g.conflict = fmt.Errorf("--%s and --%s %s: want one of them", g.word, g.name, s)
	}
	g.value, g.set = s, true
	return nil
}

// A modelOption is an option of some kinds of models, with its help.
type modelOption struct{ name, kind, help string }

// optionsOfKinds returns the options of all kinds of models. The help lists the kinds that have an option, unless all have it.
// They are collected once: each command has a flag for each.
func (a *app) optionsOfKinds() []modelOption {
	if a.options != nil {
		return a.options
	}
	type texts struct {
		list  []string            // each text once
		kinds map[string][]string // the kinds of a text
	}
	var help []*texts
	for _, k := range a.Models.Kinds() {
		for _, f := range model.Flags(k.Default()) {
			i := slices.IndexFunc(a.options, func(o modelOption) bool { return o.name == f.Name })
			if i < 0 {
				i = len(a.options)
				a.options = append(a.options, modelOption{name: f.Name, kind: f.Type()})
				help = append(help, &texts{kinds: map[string][]string{}})
			}
			t := help[i]
			if t.kinds[f.Help] == nil {
				t.list = append(t.list, f.Help)
			}
			t.kinds[f.Help] = append(t.kinds[f.Help], k.Name)
		}
	}
	for i, t := range help {
		for k, h := range t.list {
			if len(t.kinds[h]) < len(a.Models.Kinds()) {
				t.list[k] += " (" + strings.Join(t.kinds[h], ", ") + ")"
			}
		}
		a.options[i].help = strings.Join(t.list, "; ")
	}
	return a.options
}

// addModelFlags declares a flag for each option of each kind of models.
func (a *app) addModelFlags(c *cobra.Command) *modelFlags {
	m := &modelFlags{}
	for _, o := range a.optionsOfKinds() {
		value := &optionFlag{name: o.name, kind: o.kind}
		f := &pflag.Flag{Name: o.name, Usage: o.help, Value: value}
		if o.kind == "bool" {
			f.NoOptDefVal = "true"
		}
		c.Flags().AddFlag(f)
		m.options = append(m.options, value)
		for _, word := range lossWords {
			if o.name == "loss" {
				c.Flags().AddFlag(&pflag.Flag{Name: word, Usage: "the same as --loss " + word, Value: &lossWord{word, value}, NoOptDefVal: "true", DefValue: "false", Hidden: true})
			}
		}
	}
	return m
}

// apply sets the options that the user gave in c, the configuration of the recipe of that name, and validates it.
func (m *modelFlags) apply(recipe string, c model.Config) error {
	flags := model.Flags(c)
	for _, g := range m.options {
		if !g.set {
			continue
		}
		if g.conflict != nil {
			return g.conflict
		}
		i := slices.IndexFunc(flags, func(f *model.Flag) bool { return f.Name == g.name })
		if i < 0 {
			var has []string
			for _, f := range flags {
				has = append(has, "--"+f.Name)
			}
			return fmt.Errorf("%s has no option --%s%s; it has %s", recipe, cmp.Or(g.word, g.name), data.DidYouMean(g.name, has), strings.Join(has, ", "))
		}
		if err := flags[i].Set(g.value); err != nil {
			return err
		}
	}
	return c.Validate()
}

// isSet reports whether the user gave the option of that name.
func (m *modelFlags) isSet(name string) bool {
	return slices.ContainsFunc(m.options, func(g *optionFlag) bool { return g.name == name && g.set })
}

// refuse returns an error with a reason if the user gave an option of a model.
func (m *modelFlags) refuse(reason string) error {
	for _, g := range m.options {
		if g.set {
			return fmt.Errorf("--%s %s", g.name, reason)
		}
	}
	return nil
}

// flagOf returns the flag for a field that an error of the library names. The flag of a model's option is in the tag of
// the field; any other is the name of the field in small letters, with hyphens between the words.
func (a *app) flagOf(field string) string {
	for _, k := range a.Models.Kinds() {
		for _, f := range model.Flags(k.Default()) {
			if f.Field == field {
				return "--" + f.Name
			}
		}
	}
	var b strings.Builder
	for i, r := range field {
		upper := unicode.IsUpper(r)
		if next := i + 1; upper && i > 0 && (unicode.IsLower(rune(field[i-1])) || next < len(field) && unicode.IsLower(rune(field[next]))) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return "--" + b.String()
}
