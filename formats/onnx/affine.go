package onnx

import (
	"slices"

	"github.com/imago-ml/imago/engine/graph"
)

// foldAffine returns n as a convolution or a product with another kernel and bias, if n is a scale or a shift, constant
// for each channel, of one that nothing else uses; nil if not. The bias of a layer and the batch norm after it vanish so.
func (l *lowerer) foldAffine(n *graph.Node, in []*value) *value {
	for i, x := range n.In() {
		if len(in) != 2 || !source(in[1-i]).isConst() || !l.usedOnce(x) {
			continue
		}
		c := source(in[1-i])
		scale, shift := constant("", []float32{1}), constant("", []float32{0})
		switch n.Op() {
		case graph.OpAdd:
			shift = c
		case graph.OpSub:
			shift = c
			if i == 0 {
				shift = mapped(c, func(v float64) float64 { return -v })
			} else {
				scale = constant("", []float32{-1})
			}
		case graph.OpMul:
			scale = c
		case graph.OpDiv:
			if i == 1 {
				return nil
			}
			scale = mapped(c, func(v float64) float64 { return 1 / v })
		default:
			return nil
		}
		if v := l.scaled(in[i], scale, shift); v != nil {
			return v
		}
	}
	return nil
}

// usedOnce reports whether nothing else uses a node, or what it reshapes.
func (l *lowerer) usedOnce(n *graph.Node) bool {
	for ; l.uses[n] == 1; n = n.In()[0] {
		if n.Op() != graph.OpReshape {
			return true
		}
	}
	return false
}

// mapped returns f of each element of a constant.
func mapped(c *value, f func(float64) float64) *value {
	m := *c
	m.data = make([]float32, len(c.data))
	for i, v := range c.data {
		m.data[i] = float32(f(float64(v)))
	}
	return &m
}

// scaled returns scale·v + shift if v is a layer whose kernel and bias can take them, and nil if not.
func (l *lowerer) scaled(v, scale, shift *value) *value {
	switch {
	case v.op == "Reshape" && v.in[0].op != opInput && rowsKept(v): // of a product: a scale for each of its columns
		each, _ := sizes(v.shape[1:])
		a, b := l.flat(scale, each), l.flat(shift, each)
		if a == nil || b == nil {
			return nil
		}
		if y := l.scaled(v.in[0], a, b); y != nil {
			return l.reshape(y, v.shape)
		}
	case isImages(v):
		channels := v.shape[3].n
		channelAxis := map[string]int{"Conv": 0, "ConvTranspose": 1}[v.in[0].op]
		if y := withAffine(v.in[0], channels, channelAxis, scale, shift); y != nil {
			return l.transpose(y, toNHWC)
		}
	case isDense(v):
		return withAffine(v, v.shape[1].n, 1, scale, shift)
	}
	return nil
}

// isImages reports whether v is the output of a convolution as (B,H,W,C). With one channel it is reshaped, not transposed.
func isImages(v *value) bool {
	if v.op != "Transpose" && v.op != "Reshape" || v.in[0].op != "Conv" && v.in[0].op != "ConvTranspose" {
		return false
	}
	return slices.Equal(v.shape, permuted(v.in[0].shape, toNHWC)) && (v.op == "Reshape" || slices.Equal(v.attr("perm"), toNHWC))
}

// flat returns a constant that is repeated over rows of a shape as one row; nil if it differs from item to item.
func (l *lowerer) flat(c *value, each []int) *value {
	from, _ := sizes(c.shape)
	if len(from) > len(each) {
		if size(from[:len(from)-len(each)]) != 1 {
			return nil
		}
		from = from[len(from)-len(each):]
	}
	if len(c.data) == 1 {
		return constant(c.name, c.data)
	}
	return constant(c.name, broadcastData(c.data, from, each), size(each))
}

// perChannel returns the elements of a constant, one for each channel, which is the last axis; ok is false if the constant
// differs along another.
func perChannel(c *value, channels int) (data []float32, ok bool) {
	if len(c.data) == 1 {
		return slices.Repeat(c.data, channels), true
	}
	return c.data, len(c.data) == channels && c.shape[len(c.shape)-1].n == channels
}

// withAffine returns scale·v + shift, where v is an operator with a constant kernel of which axis is that of the outputs.
func withAffine(v *value, channels, axis int, scale, shift *value) *value {
	kernel := v.in[1]
	a, ok := perChannel(scale, channels)
	b, fits := perChannel(shift, channels)
	if !ok || !fits || !kernel.isConst() {
		return nil
	}
	m := *v
	m.in = slices.Clone(v.in)
	if len(scale.data) > 1 || scale.data[0] != 1 {
		shape, _ := sizes(kernel.shape)
		inner := size(shape[axis+1:])
		m.in[1] = constant(kernel.name, make([]float32, len(kernel.data)), shape...)
		for i, w := range kernel.data {
			m.in[1].data[i] = w * a[i/inner%channels]
		}
	}
	bias := make([]float32, channels)
	for i := range bias {
		old := float64(0)
		if len(v.in) > 2 {
			old = float64(v.in[2].data[i])
		}
		bias[i] = float32(old*float64(a[i]) + float64(b[i]))
	}
	if len(v.in) > 2 || len(shift.data) > 1 || shift.data[0] != 0 {
		name := shift.name
		if len(v.in) > 2 && v.in[2].name != "" {
			name = v.in[2].name
		}
		m.in = append(m.in[:2], constant(name, bias, channels))
		if m.op == "MatMul" {
			m.op = "Gemm"
		}
	}
	return &m
}
