package vae

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
)

// metricAttribute is how far latent units are from the order of their attributes, in a batch
// as a whole.
const metricAttribute = "attribute"

// AttributeOrder makes latent unit r rise with attribute r of the items: AR-VAE of Pati & Lerch
// 2020, arXiv:2004.05485, eq. 5 and 6. For each attribute it adds
//
//	γ·mean_{i,j} |tanh(δ·(z_ri − z_rj)) − sign(a_ri − a_rj)|
//
// over all pairs of items of the batch. An attribute is a number that the medium measures. So
// the unit is the direction of the attribute.
type AttributeOrder struct {
	Measures []int   // of attribute r, its place among those of the medium; see medium.Measurer
	Weight   float64 // γ ≥ 0
	Slope    float64 // δ > 0
}

// Penalty returns γ times the sum of the means, the same for each item of the batch. Where items
// are scored one by one there are no pairs, and no penalty.
func (r AttributeOrder) Penalty(in *Inputs, q Posterior) (*graph.Node, []Term) {
	if in.Weight == nil {
		return nil, nil
	}
	batch := q.Z.Shape()[0]
	difference := func(x *graph.Node, column int) *graph.Node {
		x = graph.Slice(x, []int{0, column}, []int{batch, column + 1}, []int{1, 1})
		return graph.Sub(x, graph.Reshape(x, 1, batch))
	}
	var sum *graph.Node
	for unit, measure := range r.Measures {
		codes := graph.Tanh(graph.Scale(difference(q.Z, unit), r.Slope))
		each := graph.Abs(graph.Sub(codes, graph.Sign(difference(in.Measures, measure))))
		if sum == nil {
			sum = each
		} else {
			sum = graph.Add(sum, each)
		}
	}
	pairs := graph.Mul(graph.Reshape(in.Weight, batch, 1), graph.Reshape(in.Weight, 1, batch))
	mean := graph.Div(graph.Sum(graph.Mul(pairs, sum)), graph.Sum(pairs))
	mean = graph.Tag(graph.BroadcastTo(mean, batch), metricAttribute)
	return graph.Scale(mean, r.Weight), []Term{{metricAttribute, mean}}
}

// Formula returns the penalty as text.
func (r AttributeOrder) Formula() string {
	return fmt.Sprintf("%g·Σ_attributes mean|tanh(%g·Δz) − sign(Δa)|", r.Weight, r.Slope)
}

// attributeSlope is δ of the options: with a larger one, codes in the wrong order that are far
// from each other have no gradient.
const attributeSlope = 1

// AttributeOptions are the options of AttributeOrder.
type AttributeOptions struct {
	Attributes      string  `json:"attributes,omitempty" flag:"attributes" help:"attributes with which the first latent units rise, one each (AR-VAE); as note-density,average-interval, empty is none"` // of the medium
	AttributeWeight float64 `json:"attribute_weight,omitempty" flag:"attr-weight" help:"weight of the order of --attributes"`                                                                            // > 0 with Attributes, else 0
}

// names returns the attributes, in the order of their units.
func (o AttributeOptions) names() []string {
	if o.Attributes == "" {
		return nil
	}
	return strings.Split(o.Attributes, ",")
}

// order returns the term of the options for items of that description and a number of latent
// units; nil if there are no attributes.
func (o AttributeOptions) order(item medium.Item, latent int) (Regularizer, error) {
	names := o.names()
	if names == nil {
		return nil, nil
	}
	m, ok := item.Medium.(medium.Measurer)
	if !ok {
		return nil, option.Errorf("vae: {Attributes} %s: nothing is measured of items of medium %s: leave {Attributes} empty", o.Attributes, item.Medium.Name())
	}
	r := AttributeOrder{Weight: o.AttributeWeight, Slope: attributeSlope}
	have := m.Measures(item)
	for _, name := range names {
		k := slices.Index(have, name)
		if k < 0 {
			return nil, option.Errorf("vae: {Attributes} %s: items of medium %s have no attribute %q: want %s", o.Attributes, m.Name(), name, strings.Join(have, " or "))
		}
		if slices.Contains(r.Measures, k) {
			return nil, option.Errorf("vae: {Attributes} %s: %s is there twice", o.Attributes, name)
		}
		r.Measures = append(r.Measures, k)
	}
	if len(names) > latent {
		return nil, option.Errorf("vae: {Attributes} %s: %d attributes for {Latent} %d: want a unit for each", o.Attributes, len(names), latent)
	}
	return r, nil
}

// validate returns the faults of the options.
func (o AttributeOptions) validate() []error {
	switch {
	case !(o.AttributeWeight >= 0) || math.IsInf(o.AttributeWeight, 0):
		return []error{option.Errorf("vae: {AttributeWeight} %v: want a finite number of 0 or more", o.AttributeWeight)}
	case o.Attributes != "" && o.AttributeWeight == 0:
		return []error{option.Errorf("vae: {Attributes} %s has no effect with {AttributeWeight} 0: give it a weight, as {AttributeWeight} 10", o.Attributes)}
	case o.Attributes == "" && o.AttributeWeight != 0:
		return []error{option.Errorf("vae: {AttributeWeight} %v has no effect without {Attributes}: leave it out, or name attributes", o.AttributeWeight)}
	}
	return nil
}
