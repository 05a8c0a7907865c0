package vae

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/nn"
)

// An Encoder is the network of q(z|x) up to the dense layers of its mean and variance,
// which a model adds. MLP, CNN and EncoderFunc are Encoders.
type Encoder interface {
	// Features returns the features of images: x (B,H,W,C) → (B,F), or (B,…), which is
	// flattened. Its layers belong to enc. labels (B,K) are those of a conditional model,
	// else nil.
	Features(enc *nn.Builder, x, labels *graph.Node) *graph.Node
}

// A Decoder is the network of p(x|z). MLP, CNN and DecoderFunc are Decoders.
type Decoder interface {
	// Logits returns the output from which the likelihood computes pixels: z (B,Z) →
	// (B,H,W,C), or (B,H·W·C). Its layers belong to dec. The last layer is linear. In a
	// conditional model z is (B,Z+K), the labels beside the codes.
	Logits(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node
}

// An Autoregressive is a Decoder of sequences of tokens whose step t reads the tokens before
// it: p(x|z) = Π_t p(x_t|x_<t, z). Recurrent is one.
type Autoregressive interface {
	Decoder // whose Logits returns ids in place of logits: at each step the most likely token after those it chose

	// Forced returns the logits of each step given the true tokens before it, teacher forcing:
	// z (B,Z), ids x (B,T) → (B,T,V). Its layers belong to dec.
	Forced(dec *nn.Builder, z, x *graph.Node) *graph.Node
	// Start returns the state before the first token: z (B,Z) → (B,S).
	Start(dec *nn.Builder, z *graph.Node) *graph.Node
	// Step returns the logits of the next token after token (B), −1 for none, and the state
	// after it: state (B,S) → (B,V), (B,S).
	Step(dec *nn.Builder, z, state, token *graph.Node) (logits, next *graph.Node)
}

// An EncoderFunc is a function as an Encoder.
type EncoderFunc func(enc *nn.Builder, x, labels *graph.Node) *graph.Node

// Features returns f(enc, x, labels).
func (f EncoderFunc) Features(enc *nn.Builder, x, labels *graph.Node) *graph.Node {
	return f(enc, x, labels)
}

// A DecoderFunc is a function as a Decoder.
type DecoderFunc func(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node

// Logits returns f(dec, z, img).
func (f DecoderFunc) Logits(dec *nn.Builder, z *graph.Node, img medium.Item) *graph.Node {
	return f(dec, z, img)
}

// networks are an encoder and a decoder for images of one shape. Layers are named and
// numbered as Keras does when it builds the encoder, then the decoder.
type networks struct {
	encoder     Encoder
	decoder     Decoder
	img         medium.Item
	latent      int  // Z
	conditional bool // both networks take the labels
	held
}

// encode returns q(z|x), the two heads of the encoder: (B,Z) each.
func (n networks) encode(in *Inputs) (mu, logVar *graph.Node) {
	enc := in.Builder.Network("encoder")
	h := n.features(enc, in)
	mu, logVar = enc.Dense("z_mean", h, n.latent, nn.None), enc.Dense("z_log_var", h, n.latent, nn.None)
	if n.codeNorm > 0 {
		fixed := *enc
		fixed.Gamma = nil
		mu = graph.Scale(fixed.BatchNorm("z_norm", mu, nn.None), n.codeNorm)
	}
	if n.rate > 0 {
		logVar = committed(logVar, n.rate)
	}
	return mu, logVar
}

// code returns the code of a deterministic encoder, which has one head: (B,Z).
func (n networks) code(in *Inputs) *graph.Node {
	enc := in.Builder.Network("encoder")
	return enc.Dense("code", n.features(enc, in), n.latent, nn.None)
}

func (n networks) features(enc *nn.Builder, in *Inputs) *graph.Node {
	var labels *graph.Node
	if n.conditional {
		labels = in.Labels
	}
	h := n.encoder.Features(enc, in.X, labels)
	if len(h.Shape()) > 2 {
		h = enc.Flatten("features", h)
	}
	return h
}

// input returns what the decoder takes: z (B,Z), or with the labels (B,Z+K).
func (n networks) input(in *Inputs, dec *nn.Builder, z *graph.Node) *graph.Node {
	h := dec.Input("input_2", z)
	if n.conditional {
		h = dec.Layer("concatenate", "Concatenate", graph.Concat(1, h, dec.Input("input_labels", in.Labels)), h, in.Labels)
	}
	return h
}

// decode returns the logits of the pixels: z (B,Z) → (B,H,W,C). An Autoregressive reads the
// items of in, whose logits these are.
func (n networks) decode(in *Inputs, z *graph.Node) *graph.Node {
	if d, ok := n.decoder.(Autoregressive); ok {
		dec := in.Builder.Network("decoder")
		return d.Forced(dec, n.input(in, dec, z), in.X)
	}
	return n.generate(in, z)
}

// generate returns what the likelihood takes the mean of: z (B,Z) → (B,H,W,C). It reads no
// items.
func (n networks) generate(in *Inputs, z *graph.Node) *graph.Node {
	dec := in.Builder.Network("decoder")
	logits := n.decoder.Logits(dec, n.input(in, dec, z), n.img)
	if len(logits.Shape()) == 2 {
		return graph.Reshape(logits, n.img.Batch(logits.Shape()[0])...)
	}
	return logits
}
