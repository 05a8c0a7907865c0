package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/models/model"
)

// modelFlags are the options of all kinds as flags of one command. Which kind is meant is known only when the recipe
// is, so a flag keeps what it was given until apply.
type modelFlags struct {
	options []*optionFlag
}

// A optionFlag is a flag that keeps its text. It is a pflag.Value.
type optionFlag struct {
	name, kind, value string
	set               bool
}

func (g *optionFlag) String() string     { return g.value }
func (g *optionFlag) Type() string       { return g.kind }
func (g *optionFlag) Set(s string) error { g.value, g.set = s, true; return nil }

// addModelFlags gives c a flag for each option that a kind has; the help says which kinds have it unless all do.
func (a *app) addModelFlags(c *cobra.Command) *modelFlags {
	type option struct {
		*optionFlag
		help  []string            // each text once
		kinds map[string][]string // the kinds of a text
		n     int
	}
	var options []*option
	for _, k := range a.Models.Kinds() {
		for _, f := range model.Flags(k.Default()) {
			i := slices.IndexFunc(options, func(o *option) bool { return o.name == f.Name })
			if i < 0 {
				i = len(options)
				options = append(options, &option{optionFlag: &optionFlag{name: f.Name, kind: f.Type()}, kinds: map[string][]string{}})
			}
			o := options[i]
			o.n++
			if o.kinds[f.Help] == nil {
				o.help = append(o.help, f.Help)
			}
			o.kinds[f.Help] = append(o.kinds[f.Help], k.Name)
		}
	}
	m := &modelFlags{}
	for _, o := range options {
		var texts []string
		for _, h := range o.help {
			if len(o.kinds[h]) < len(a.Models.Kinds()) {
				h += " (" + strings.Join(o.kinds[h], ", ") + ")"
			}
			texts = append(texts, h)
		}
		f := &pflag.Flag{Name: o.name, Usage: strings.Join(texts, "; "), Value: o.optionFlag}
		if o.kind == "bool" {
			f.NoOptDefVal = "true"
		}
		c.Flags().AddFlag(f)
		m.options = append(m.options, o.optionFlag)
	}
	return m
}

// apply sets the options that were given in the config of a recipe of that name, and checks the whole.
func (m *modelFlags) apply(recipe string, c model.Config) error {
	flags := model.Flags(c)
	for _, g := range m.options {
		if !g.set {
			continue
		}
		i := slices.IndexFunc(flags, func(f *model.Flag) bool { return f.Name == g.name })
		if i < 0 {
			var has []string
			for _, f := range flags {
				has = append(has, "--"+f.Name)
			}
			return fmt.Errorf("%s has no option --%s; it has %s", recipe, g.name, strings.Join(has, ", "))
		}
		if err := flags[i].Set(g.value); err != nil {
			return err
		}
	}
	return c.Validate()
}

// isSet says whether the option of that name was given.
func (m *modelFlags) isSet(name string) bool {
	return slices.ContainsFunc(m.options, func(g *optionFlag) bool { return g.name == name && g.set })
}

// flagOf returns the flag of a field that an error of the library names: of an option of a model as its kind says, of
// another field its name in small letters with hyphens between the words.
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
