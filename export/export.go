// Package export carries a trained model away: it says which of its networks can be used elsewhere, and writes them in
// the formats of other programs.
//
// Networks lists the networks of a trained model: its encoder, its decoder or generator, the two together, and whatever
// else it declares. Each has the function that builds its graph for a batch, and says what its inputs and outputs mean:
//
//	for _, n := range export.Networks(trained) {
//		f, err := n.Build(1)
//	}
//
// The graphs share the parameters of the model by name; trained.Runner().Get returns their values.
//
// A format that needs more than these is a package below this one. The package knows no concrete model and no command.
package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
)

// The networks, by name. A model has some of them.
const (
	Encoder       = "encoder"       // images → codes
	Decoder       = "decoder"       // codes → images, of a model with an encoder
	Generator     = "generator"     // codes → images, of a model without one
	Autoencoder   = "autoencoder"   // images → their reconstructions
	Sampler       = "sampler"       // nothing, or labels → images of the model's own prior
	Classifier    = "classifier"    // images → probabilities of classes
	Discriminator = "discriminator" // images → logits of "real"
)

// A Network is a part of a trained model that is of use alone.
type Network struct {
	Name  string // such as Encoder
	About string // what it computes, in a few words
	Build model.Function
}

// Networks returns the networks of a trained model that can be carried away, in the order of the constants.
func Networks(t *train.Trained) []Network {
	m := t.Model()
	decoder, about := Decoder, "the picture of a code"
	if m.Encode == nil {
		decoder, about = Generator, "the picture that is generated from noise"
	}
	code := "the mean and the logarithm of the variance of q(z|x)"
	if m.Deterministic {
		code = "the code of an image"
	}
	var have []Network
	for _, n := range []Network{
		{Encoder, code, m.Encode},
		{decoder, about, m.Decode},
		{Autoencoder, "an image as the model decodes its code", m.Reconstruct},
		{Sampler, "a picture drawn from the prior of the model", m.Sample},
		{Classifier, "the probabilities of the classes of an image", m.Classify},
		{Discriminator, "the logit by which real images are told from generated ones", m.Discriminate},
	} {
		if n.Build != nil {
			have = append(have, n)
		}
	}
	return have
}

// Select returns the networks of the given names, in the order of all; without names, all of them.
func Select(all []Network, names ...string) ([]Network, error) {
	var known []string
	for _, n := range all {
		known = append(known, n.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("export: network %q: this model has %s", name, strings.Join(known, ", "))
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(n Network) bool { return !slices.Contains(names, n.Name) }), nil
}

// Meaning says what an input or output of a network holds, with its shape; "" of a name that is none.
//
// B images, H×W×C pixels, Z latent units, K labels.
func Meaning(port string) string {
	switch port {
	case model.InputX:
		return "images, (B,H,W,C) in [0,1]"
	case model.InputZ:
		return "codes, (B,Z)"
	case model.InputLabels:
		return "labels, (B,K): 1 for the class of an image or each of its attributes, 0 for the others"
	case model.InputKey:
		return "a random key, 4 words"
	case model.OutputMean:
		return "means of q(z|x), or codes of a deterministic model, (B,Z)"
	case model.OutputLogVar:
		return "logarithms of the variances of q(z|x), (B,Z)"
	case model.OutputPicture:
		return "images, (B,H,W,C) in [0,1]"
	case model.OutputProbs:
		return "probabilities of the classes, (B,K)"
	case model.OutputLogit:
		return "logits of real, or scores of a critic, (B)"
	}
	return ""
}

// A Written is a file or folder that was written.
type Written struct {
	Name  string // its path
	About string // what it holds, on one line
}
