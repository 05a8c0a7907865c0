package optim

import (
	"fmt"
	"strings"
)

// rules are the rules that ByName knows, in alphabetical order, with their default settings and slots of the given name.
var rules = []struct {
	name string
	make func(slots string) Rule
}{
	{"adam", func(slots string) Rule { r := DefaultAdam(); r.Name = slots; return r }},
	{"adamw", func(slots string) Rule { r := DefaultAdamW(); r.Name = slots; return r }},
	{"rmsprop", func(slots string) Rule { r := DefaultRMSprop(); r.Name = slots; return r }},
	{"sgd", func(slots string) Rule { r := DefaultSGD(); r.Name = slots; return r }},
}

// ByName returns the rule of the given name with its default settings: "adam", "adamw", "rmsprop" or "sgd". The names of
// its slots start with slots, or with "optimizer/" and the name of the rule if slots is "". Two rules of one model need
// different slots. It returns an error that lists the names if there is no such rule.
//
// For other settings, take the type and its default instead, for example DefaultSGD.
func ByName(name, slots string) (Rule, error) {
	for _, r := range rules {
		if r.name == name {
			if slots == "" {
				slots = "optimizer/" + name
			}
			return r.make(slots), nil
		}
	}
	return nil, fmt.Errorf("optim: no update rule %q; have %s", name, strings.Join(Names(), ", "))
}

// Names returns the names that ByName knows, in alphabetical order.
func Names() []string {
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}
