package data

import (
	"fmt"

	"github.com/imago-ml/imago/engine/tensor"
)

// K is the number of labels, in every comment of this file.

// A Labeller is Items with what is known of each: its class, or its attributes.
type Labeller interface {
	Items
	// LabelNames are the K classes or attributes.
	LabelNames() []string
	// LabelsAt writes what is known of image i to dst, (K): 1 for its class and 0 for
	// the others, or 1 for each attribute that it has. Of an image of unknown class
	// all are 0. It panics, as a slice does, if i is outside [0, N).
	LabelsAt(i int, dst []float32)
}

// An Exact is Items whose values are finer than a byte: At rounds them.
type Exact interface {
	Items
	// FloatsAt writes image i to the front of dst, H·W·C values in [0, 1].
	FloatsAt(i int, dst []float32) error
}

// LabelNames returns what a Labeller of s tells: the classes, without classes the
// attributes, nil if there are neither.
func (s Set) LabelNames() []string {
	if len(s.Classes) > 0 {
		return s.Classes
	}
	return s.Attributes
}

// Labelled returns the images of a split of s, which also tell their labels: a Labeller,
// unless the split has none.
func (s Set) Labelled(p Split) Items {
	switch {
	case len(s.Classes) > 0 && p.Labels != nil:
		return &labelled{Items: p.Items, names: s.Classes, classes: p.Labels}
	case len(s.Classes) == 0 && p.Attributes != nil:
		return &labelled{Items: p.Items, names: s.Attributes, attributes: p.Attributes}
	}
	return p.Items
}

// labelled is Items with the class of each, or its attributes.
type labelled struct {
	Items
	names      []string
	classes    []int32 // (N)
	attributes []uint8 // (N, K)
}

func (l *labelled) LabelNames() []string { return l.names }

func (l *labelled) LabelsAt(i int, dst []float32) {
	k := len(l.names)
	if l.classes == nil {
		for j, a := range l.attributes[i*k : (i+1)*k] {
			dst[j] = float32(a)
		}
		return
	}
	clear(dst[:k])
	dst[l.classes[i]] = 1
}

// subset returns the labels of those images, whose Subset is images.
func (l *labelled) subset(images Items, index []int32) *labelled {
	s := &labelled{Items: images, names: l.names}
	k := len(l.names)
	for _, i := range index {
		if l.classes != nil {
			s.classes = append(s.classes, l.classes[i])
		} else {
			s.attributes = append(s.attributes, l.attributes[int(i)*k:(int(i)+1)*k]...)
		}
	}
	return s
}

// exactly returns the FloatsAt of images, nil if they are bytes.
func exactly(images Items) func(i int, dst []float32) error {
	switch im := images.(type) {
	case Exact:
		return im.FloatsAt
	case *labelled:
		return exactly(im.Items)
	case *subset:
		if at := exactly(im.all); at != nil {
			return func(i int, dst []float32) error { return at(int(im.index[i]), dst) }
		}
	}
	return nil
}

// FillLabels writes the labels of the images of those indices to the front of dst,
// (B, K), and 0 to the rest. It fails unless images is a Labeller with K labels.
func FillLabels(images Items, index []int32, dst *tensor.Tensor) error {
	l, ok := images.(Labeller)
	if !ok {
		return fmt.Errorf("data: the model takes labels, and the images have none: choose a labelled set")
	}
	s := dst.Shape()
	if have := l.LabelNames(); len(s) != 2 || len(have) != s[1] {
		return fmt.Errorf("data: images of %d labels, want %d as the model was built for: choose the set it was trained on", len(have), s[len(s)-1])
	}
	f, k := dst.F32(), s[1]
	for i, at := range index {
		l.LabelsAt(int(at), f[i*k:(i+1)*k])
	}
	clear(f[len(index)*k:])
	return nil
}
