package transfer

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
)

const (
	ourEpsilon   = 1e-5 // of batch norm, in imago and PyTorch
	kerasEpsilon = 1e-3
)

// fit returns the entries of the parameters of a layer if the module can be it; nil if not.
func fit(l *layer, m *module) []Entry {
	if _, ok := l.roles["gamma"]; ok && l.roles["moving_mean"].Shape != nil {
		return fitNorm(l, m)
	}
	if k, ok := l.roles["kernel"]; ok && len(m.roles["kernel"].Shape) > 0 {
		as, ok := l.kernelSteps(m, k)
		if !ok {
			return nil
		}
		return l.withBias(m, as)
	}
	var all []Entry // a layer of one's own: the same names and shapes
	for _, p := range l.params {
		a, ok := m.roles[role(p)]
		if !ok || !a.Shape.Equal(p.Shape) {
			return nil
		}
		all = append(all, Entry{Param: p.Name, Shape: p.Shape, From: a.Name})
	}
	return all
}

// role returns the last part of the name of a parameter.
func role(p nn.Param) string { return p.Name[strings.LastIndexByte(p.Name, '/')+1:] }

// withBias returns the entries of a layer with a kernel, which as makes: those of its bias and its buffers too.
func (l *layer) withBias(m *module, as []string) []Entry {
	var all []Entry
	_, hasBias := m.roles["bias"]
	if _, wants := l.roles["bias"]; hasBias && !wants {
		return nil
	}
	for _, p := range l.params {
		e := Entry{Param: p.Name, Shape: p.Shape, From: m.roles[role(p)].Name}
		switch role(p) {
		case "kernel":
			e.As = as
		case "bias":
			switch a := m.roles["bias"]; {
			case !hasBias:
				e.As, e.Why = []string{"fill 0"}, "the file's layer has no bias"
			case !a.Shape.Equal(p.Shape):
				return nil
			case m.torch && l.out != nil:
				e.As = []string{"reshape " + listed(l.out[2], l.out[0], l.out[1]), "axes 1,2,0", "reshape " + listed(p.Shape...)}
			}
		default: // a vector of spectral norm
			if a, ok := m.roles[role(p)]; !ok || !a.Shape.Equal(p.Shape) {
				e.From, e.As = "", []string{initial}
			}
		}
		all = append(all, e)
	}
	return all
}

// kernelSteps returns how the kernel of a module becomes k, if it can.
func (l *layer) kernelSteps(m *module, k nn.Param) ([]string, bool) {
	w, want := m.roles["kernel"].Shape, k.Shape
	if !m.torch {
		return nil, w.Equal(want)
	}
	if len(want) == 2 {
		return l.denseSteps(w, want, len(m.roles) == 1)
	}
	if len(want) != 4 || len(w) != 4 {
		return nil, w.Equal(want)
	}
	var as []string
	rows, cols := w[2], w[3]
	switch {
	case w[1] == want[2] && w[0] == want[3]: // Conv2d (out, in, …), or ConvTranspose2d (in, out, …)
		as = []string{"axes 2,3,1,0"}
	case l.kind == "Conv2DTranspose" && l.stride == 1 && w[0] == want[2] && w[1] == want[3] && rows%2 == 1 && cols%2 == 1:
		as = []string{"axes 2,3,0,1", "flip"} // a Conv2d: with stride 1 it is the transposed convolution of the kernel backwards
	default:
		return nil, false
	}
	switch {
	case rows == want[0] && cols == want[1]:
	case rows%2 == 1 && cols%2 == 1 && rows+1 == want[0] && cols+1 == want[1]:
		as = append(as, "pad "+listed(want[0], want[1]))
	default:
		return nil, false
	}
	return as, true
}

// denseSteps returns how the weights of PyTorch of shape w become the kernel (in, out) of a dense layer; alone is whether
// the module has nothing besides, as an embedding.
func (l *layer) denseSteps(w, want tensor.Shape, alone bool) ([]string, bool) {
	in, out := want[0], want[1]
	as := "reshape " + listed(in, out)
	switch {
	case len(w) == 2 && w[0] == out && w[1] == in:
		switch {
		case l.in != nil && l.out != nil:
			return []string{"reshape " + listed(l.out[2], l.out[0], l.out[1], l.in[2], l.in[0], l.in[1]), "axes 4,5,3,1,2,0", as}, true
		case l.in != nil:
			return []string{"reshape " + listed(out, l.in[2], l.in[0], l.in[1]), "axes 2,3,1,0", as}, true
		case l.out != nil:
			return []string{"reshape " + listed(l.out[2], l.out[0], l.out[1], in), "axes 3,1,2,0", as}, true
		}
		return []string{"axes 1,0"}, true
	case len(w) == 2 && alone && w.Equal(want): // an embedding
		return nil, true
	case len(w) == 4 && w[0] == in && w[1]*w[2]*w[3] == out && (l.out == nil || w[1:].Equal(tensor.Shape{l.out[2], l.out[0], l.out[1]})):
		return []string{"axes 0,2,3,1", as}, true // a transposed convolution of an image of one pixel
	case len(w) == 4 && w[0] == out && w[1]*w[2]*w[3] == in && (l.in == nil || w[1:].Equal(tensor.Shape{l.in[2], l.in[0], l.in[1]})):
		return []string{"axes 2,3,1,0", as}, true // a convolution of the whole image
	}
	return nil, false
}

// fitNorm returns the entries of a batch norm. Its scale or offset may be missing in the file: then they are 1 and 0.
func fitNorm(l *layer, m *module) []Entry {
	var all []Entry
	for _, p := range l.params {
		a, ok := m.roles[role(p)]
		e := Entry{Param: p.Name, Shape: p.Shape, From: a.Name}
		switch {
		case !ok && role(p) == "gamma":
			e.As = []string{"fill 1"}
		case !ok && role(p) == "beta":
			e.As = []string{"fill 0"}
		case !ok || !a.Shape.Equal(p.Shape):
			return nil
		case role(p) == "moving_variance" && !m.torch && l.kind == "BatchNormalization":
			const more = kerasEpsilon - ourEpsilon
			e.As = []string{fmt.Sprintf("add %.5g", more)}
			e.Why = fmt.Sprintf("with an epsilon of %g, Keras' own, in place of %g", kerasEpsilon, ourEpsilon)
		}
		all = append(all, e)
	}
	return all
}

// halves returns the entries of two layers that are one in the file: its first outputs are those of the first.
func halves(first, second *layer, m *module) [2][]Entry {
	var all [2][]Entry
	w, ok := m.roles["kernel"]
	k := first.roles["kernel"].Shape
	if !ok || !m.torch || len(w.Shape) != 2 || len(k) != 2 || w.Shape[0] != 2*k[1] {
		return all
	}
	for i, l := range []*layer{first, second} {
		cut := fmt.Sprintf("rows %d:%d", i*k[1], (i+1)*k[1])
		part := &module{name: m.name, roles: map[string]Array{}, torch: true}
		for role, a := range m.roles {
			a.Shape = append(tensor.Shape{k[1]}, a.Shape[1:]...)
			part.roles[role] = a
		}
		entries := fit(l, part)
		if entries == nil {
			return [2][]Entry{}
		}
		for j := range entries {
			if entries[j].From != "" {
				entries[j].As = append([]string{cut}, entries[j].As...)
			}
			entries[j].Why = "a half of one layer: the mean first, as chunk and split give it"
		}
		all[i] = entries
	}
	return all
}
