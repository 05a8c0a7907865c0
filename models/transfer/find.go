package transfer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
)

// A search is the state of Find.
type search struct {
	layers  []*layer
	modules []*module
	ordered bool
	// fits[l][m] are the entries of layer l from module m, for each that is a candidate.
	fits    []map[int][]Entry
	why     []string // of a layer that is decided: fits has one candidate
	decided []bool
}

// Find returns where the parameters of a model come from in the file. If missing is set, a parameter
// that has no candidate gets an initial value. An error of class ErrAmbiguous comes with a Map whose entries that are not
// known have their candidates.
func Find(m *model.Model, f File, missing bool) (*Map, error) {
	layers, shadows := layersOf(m)
	s := &search{layers: layers, modules: modulesOf(f), ordered: f.Ordered, why: make([]string, len(layers)), decided: make([]bool, len(layers))}
	for _, l := range s.layers {
		fits := map[int][]Entry{}
		for i, mod := range s.modules {
			if e := fit(l, mod); e != nil {
				fits[i] = e
			}
		}
		s.fits = append(s.fits, fits)
	}
	s.takeHalves()
	s.leaveToWhole()
	s.byName()
	for s.single("shape") || s.byOrder() {
	}
	return s.result(m, f, shadows, missing)
}

// decide takes module i for layer l, and from all others.
func (s *search) decide(l, i int, why string) {
	s.fits[l] = map[int][]Entry{i: s.fits[l][i]}
	s.why[l], s.decided[l] = why, true
	for other := range s.fits {
		if other != l {
			delete(s.fits[other], i)
		}
	}
}

// single decides layers with one candidate that is not the only one of another too, and reports whether there was one.
func (s *search) single(why string) (found bool) {
	for l, fits := range s.fits {
		if s.decided[l] || len(fits) != 1 || len(s.alike(l)) > 1 {
			continue
		}
		for i := range fits {
			s.decide(l, i, why)
		}
		found = true
	}
	return found
}

// alike returns the layers that are not decided and have the same candidates as l, which is one of them.
func (s *search) alike(l int) []int {
	var group []int
	for other := range s.fits {
		if !s.decided[other] && maps.EqualFunc(s.fits[l], s.fits[other], func(_, _ []Entry) bool { return true }) {
			group = append(group, other)
		}
	}
	return group
}

// leaveToWhole takes the candidates of a network for which the file has not all layers away, where they are those of one
// for which it has: a file of the generator alone has layers with the shapes of the discriminator's.
func (s *search) leaveToWhole() {
	whole := map[string]bool{}
	for _, l := range s.layers {
		whole[l.network] = true
	}
	for i, l := range s.layers {
		if len(s.fits[i]) == 0 && !l.stateOnly() {
			whole[l.network] = false
		}
	}
	taken := map[int]bool{}
	for i, l := range s.layers {
		for m := range s.fits[i] {
			taken[m] = taken[m] || whole[l.network]
		}
	}
	for i, l := range s.layers {
		if !whole[l.network] {
			maps.DeleteFunc(s.fits[i], func(m int, _ []Entry) bool { return taken[m] })
		}
	}
}

// byOrder decides the layers of a group that have the same candidates, as many as they are, if these have an order.
func (s *search) byOrder() bool {
	for l, fits := range s.fits {
		if s.decided[l] || len(fits) < 2 {
			continue
		}
		group, candidates := s.alike(l), slices.Sorted(maps.Keys(fits))
		if len(group) != len(candidates) {
			continue
		}
		names := make([]string, len(candidates))
		for k, i := range candidates {
			names[k] = s.modules[i].name
		}
		if !s.ordered && !sameStem(names) {
			continue
		}
		for k, other := range group {
			s.decide(other, candidates[k], "shape, then the order in the file: "+strings.Join(names, ", ")+" have the same shapes")
		}
		return true
	}
	return false
}

// words are what the names of modules say.
var words = map[string]string{
	"encoder": "encoder", "enc": "encoder", "encode": "encoder", "decoder": "decoder", "dec": "decoder", "decode": "decoder",
	"generator": "generator", "gen": "generator", "netg": "generator", "g": "generator",
	"discriminator": "discriminator", "disc": "discriminator", "netd": "discriminator", "d": "discriminator", "critic": "discriminator",
	"mu": "mean", "mean": "mean", "means": "mean", "loc": "mean",
	"logvar": "variance", "var": "variance", "lv": "variance", "logstd": "variance", "sigma": "variance", "std": "variance", "scale": "variance", "logsigma": "variance",
}

// said returns what the parts of a name say: a network and mean or variance, "" if nothing.
func said(name string) (network, head string) {
	for part := range strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool { return r == '.' || r == '/' || r == '_' || r >= '0' && r <= '9' }) {
		switch w := words[part]; w {
		case "mean", "variance":
			head = w
		case "":
		default:
			if network == "" {
				network = w
			}
		}
	}
	return network, head
}

// byName takes away candidates whose names say that they are something else, and decides those that have the name of the
// layer.
func (s *search) byName() {
	networks := map[string]bool{}
	heads := false
	for _, l := range s.layers {
		networks[l.network] = true
		_, head := said(l.short)
		heads = heads || head == "variance"
	}
	for l, fits := range s.fits {
		if s.decided[l] {
			continue
		}
		_, layerHead := said(s.layers[l].short)
		best, level := 0, map[int]int{}
		for i := range fits {
			network, head := said(s.modules[i].name)
			name := strings.ReplaceAll(s.modules[i].name, ".", "/")
			switch {
			case networks[network] && network != s.layers[l].network, heads && head != "" && head != layerHead:
				level[i] = -1
			case name == s.layers[l].name:
				level[i] = 3
			case name == s.layers[l].short || strings.HasSuffix(name, "/"+s.layers[l].short):
				level[i] = 2
			case heads && head != "" || networks[network]:
				level[i] = 1
			}
			best = max(best, level[i])
		}
		many := len(fits) > 1
		for i := range fits {
			if level[i] < 0 || best == 1 && level[i] < 1 && many || best > 1 && level[i] < best {
				delete(fits, i)
			}
		}
		if len(fits) == 1 && many {
			for i := range fits {
				s.decide(l, i, "shape and name")
			}
		}
	}
}

// takeHalves decides two heads that are one layer in the file.
func (s *search) takeHalves() {
	for first, l := range s.layers {
		second := slices.IndexFunc(s.layers, func(o *layer) bool { return o.network == l.network && o.short == "z_log_var" })
		if l.short != "z_mean" || second < 0 || len(s.fits[first])+len(s.fits[second]) > 0 {
			continue
		}
		var found []int
		for i, m := range s.modules {
			if halves(l, s.layers[second], m)[0] != nil {
				found = append(found, i)
			}
		}
		if len(found) != 1 {
			continue
		}
		both := halves(l, s.layers[second], s.modules[found[0]])
		for k, at := range []int{first, second} {
			s.decide(at, found[0], "")
			s.fits[at] = map[int][]Entry{found[0]: both[k]}
		}
		s.fits[first] = map[int][]Entry{found[0]: both[0]} // decide of the second has taken it
	}
}

// result returns the Map of what was decided.
func (s *search) result(m *model.Model, f File, shadows map[string]string, missing bool) (*Map, error) {
	entries := map[string]Entry{}
	var unknown []string
	odd := ""
	for l, fits := range s.fits {
		if s.decided[l] {
			for i, list := range fits {
				for _, e := range list {
					if e.Why == "" {
						e.Why = s.why[l]
					}
					entries[e.Param] = e
				}
				if k := s.layers[l].roles["kernel"].Shape; s.modules[i].torch && s.layers[l].stride > 1 && len(k) == 4 && k[0]%2 == 1 && k[0] > 1 {
					odd = fmt.Sprint(k[0])
				}
			}
			continue
		}
		var names []string
		for _, i := range slices.Sorted(maps.Keys(fits)) {
			names = append(names, s.modules[i].name)
		}
		for _, p := range s.layers[l].params {
			e := Entry{Param: p.Name, Shape: p.Shape, Candidates: names}
			switch {
			case s.layers[l].stateOnly() && len(names) == 0:
				e.As, e.Why = []string{initial}, "a state of training"
			case missing && len(names) == 0:
				e.As, e.Why = []string{initial}, "not in the file"
			case len(names) == 0:
				e.Why = "no arrays of the file fit " + s.layers[l].name
			default:
				e.Why = "more than one choice: see the candidates"
			}
			entries[p.Name] = e
		}
		if e := entries[s.layers[l].params[0].Name]; !e.known() {
			unknown = append(unknown, s.layers[l].name)
		}
	}
	out := &Map{}
	used := map[string]bool{}
	for _, p := range m.Params {
		from := p.Name
		if of := shadows[p.Name]; of != "" {
			from = of
		}
		e := entries[from]
		e.Param = p.Name
		used[e.From] = true
		out.Entries = append(out.Entries, e)
	}
	for _, a := range f.Arrays {
		if _, r, _ := split(a.Name); !used[a.Name] && r != "" {
			out.Unused = append(out.Unused, a.Name+" "+a.Shape.String())
		}
	}
	if n := len(out.Unused); n > 0 {
		out.Notes = append(out.Notes, english.Plural(n, "array")+" of the file are not used: its network may have layers that this model has not")
	}
	if odd != "" {
		out.Notes = append(out.Notes, "kernels of "+odd+" with a stride of 2: the file does not say how they pad, and they are taken as TensorFlow's same does, 0 before and 1 after; if they have padding=1 in PyTorch, the model needs kernels one larger, which then take them exactly")
	}
	if len(unknown) > 0 {
		return out, fmt.Errorf("transfer: %w: %s of %s", ErrAmbiguous, strings.Join(unknown, ", "), english.Plural(len(s.layers), "layer"))
	}
	return out, nil
}
