package transfer

import (
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// A layer is the parameters of one layer of the model, and what is known of it.
type layer struct {
	name    string // network/layer
	network string
	short   string // layer
	kind    string // nn.Layer.Kind; "" if there is no record
	params  []nn.Param
	roles   map[string]nn.Param // by the last part of their names: kernel, bias, gamma
	in, out tensor.Shape        // of a dense layer whose inputs, or outputs, are a flattened image: (rows, columns, channels)
	stride  int                 // of a convolution
}

// stateOnly reports whether the layer has nothing that is learned: a state of training, which a new model can begin.
func (l *layer) stateOnly() bool {
	for _, p := range l.params {
		if !p.Buffer {
			return false
		}
	}
	return true
}

// layersOf returns the layers of a model in order of declaration, and the shadows: parameters that begin as others, by
// their names.
func layersOf(m *model.Model) (layers []*layer, shadows map[string]string) {
	index := map[string]*layer{}
	shadows = map[string]string{}
	for _, p := range m.Params {
		if p.InitFrom != "" && p.InitFrom != p.Name {
			shadows[p.Name] = p.InitFrom
			continue
		}
		at := strings.LastIndexByte(p.Name, '/')
		name, role := p.Name[:max(at, 0)], p.Name[at+1:]
		l := index[name]
		if l == nil {
			l = &layer{name: name, roles: map[string]nn.Param{}}
			l.network, l.short, _ = strings.Cut(name, "/")
			index[name] = l
			layers = append(layers, l)
		}
		l.params = append(l.params, p)
		l.roles[role] = p
	}
	whole := imageOf(m)
	for _, n := range m.Networks {
		records := map[string]nn.Layer{}
		for _, r := range n.Layers {
			records[r.Name] = r
		}
		for i, r := range n.Layers {
			if l := index[n.Name+"/"+r.Name]; l != nil {
				l.describe(n.Layers, i, records, whole)
			}
		}
	}
	return layers, shadows
}

// imageOf returns the shape (rows, columns, channels) of the images of a model; nil if their order does not matter, as
// they have one channel or are no images.
func imageOf(m *model.Model) tensor.Shape {
	if m.Eval == nil {
		return nil
	}
	f, err := m.Eval(1)
	if err != nil {
		return nil
	}
	for _, in := range f.Inputs {
		if s := in.Shape(); in.Name() == model.InputX && len(s) == 4 && s[3] > 1 {
			return s[1:]
		}
	}
	return nil
}

// describe adds what record i of a network says of the layer; whole is imageOf of the model.
func (l *layer) describe(network []nn.Layer, i int, records map[string]nn.Layer, whole tensor.Shape) {
	r := network[i]
	l.kind = r.Kind
	image := func(s tensor.Shape) tensor.Shape { // nil unless it is one whose order of channels matters
		if len(s) != 4 || s[3] == 1 || s[1]*s[2] == 1 {
			return nil
		}
		return s[1:]
	}
	if len(r.Inputs) == 1 {
		from := records[r.Inputs[0]]
		for (from.Kind == "Flatten" || from.Kind == "Dropout") && len(from.Inputs) == 1 && len(from.Out) < 4 {
			from = records[from.Inputs[0]]
		}
		switch {
		case r.Kind == "Dense" && from.Kind == "InputLayer" && len(from.Out) == 2 && whole != nil && from.Out[1] == whole.Size():
			l.in = whole
		case r.Kind == "Dense":
			l.in = image(from.Out)
		case len(from.Out) == 4 && len(r.Out) == 4:
			l.stride = max(from.Out[1]/r.Out[1], r.Out[1]/from.Out[1])
		}
	}
	if r.Kind != "Dense" {
		return
	}
	last := true
	for _, next := range network[i+1:] {
		if len(next.Inputs) == 1 && next.Inputs[0] == r.Name {
			last = false
			if next.Kind == "Reshape" {
				l.out = image(next.Out)
			}
		}
	}
	if k, ok := l.roles["kernel"]; ok && last && l.out == nil && whole != nil && k.Shape[1] == whole.Size() {
		l.out = whole
	}
}
