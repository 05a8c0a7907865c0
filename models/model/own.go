package model

import (
	"fmt"
	"slices"
	"strings"
)

// NewKind returns a kind without options: build makes its model. It is for models of a
// program's own, for instance by vae.New or gan.New. A kind with options is a Config of
// its own.
func NewKind(name, about string, build func(in Input) (*Model, error)) Kind {
	return Kind{Name: name, About: about, Default: func() Config { return &builder{build} }}
}

// A builder is the configuration of a kind without options; its JSON is {}.
type builder struct {
	build func(in Input) (*Model, error)
}

// Validate returns nil: there are no options.
func (b *builder) Validate() error { return nil }

// New builds the model.
func (b *builder) New(in Input) (*Model, error) { return b.build(in) }

// SetOptions sets options of c given as name=value, as "latent=8". The error of an
// unknown name lists those of c. It does not validate c.
func SetOptions(c Config, options []string) error {
	flags := Flags(c)
	for _, o := range options {
		name, value, ok := strings.Cut(o, "=")
		if !ok {
			return fmt.Errorf("model: option %q: want name=value, as latent=8", o)
		}
		i := slices.IndexFunc(flags, func(f *Flag) bool { return f.Name == name })
		if i < 0 {
			var known []string
			for _, f := range flags {
				known = append(known, f.Name)
			}
			return fmt.Errorf("model: no option %q; have %s", name, strings.Join(known, ", "))
		}
		if err := flags[i].Set(value); err != nil {
			return err
		}
	}
	return nil
}
