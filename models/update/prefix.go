package update

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/optim"
)

// Prefixed returns rule with prefix before the name of each of its slots, so that one
// rule serves several networks or phases, each with moments of its own.
func Prefixed(rule optim.Rule, prefix string) optim.Rule { return prefixed{rule, prefix} }

type prefixed struct {
	rule   optim.Rule
	prefix string
}

// Update returns the update of the rule with its slots renamed.
func (p prefixed) Update(params, grads []*graph.Node, lr *graph.Node) ([]graph.Update, []optim.Slot) {
	updates, slots := p.rule.Update(params, grads, lr)
	renamed := map[string]*graph.Node{}
	for i, s := range slots {
		slots[i].Name = p.prefix + s.Name
		renamed[s.Name] = graph.State(slots[i].Name, s.Shape...)
	}
	substitute := Substitute(renamed)
	for i, u := range updates {
		updates[i] = graph.Update{State: substitute(u.State), Value: substitute(u.Value)}
	}
	return updates, slots
}
