// Package vae is the family of variational autoencoders, and of the plain ones that they
// are compared with.
//
// A VAE of networks, a likelihood or a regulariser of your own is a value of Options,
// from which New makes a model:
//
//	m, err := vae.New("mine", vae.Options{
//		Encoder: vae.MLP{Hidden: []int{256}}, Decoder: vae.MLP{Hidden: []int{256}}, Latent: 8,
//		Regularizer: vae.KL{Beta: 4},
//	}, model.Input{Item: pixels.Item(28, 28, 1)})
//
// Kind makes a kind of it that the command line trains. The kinds of this package are
// functions such as MLPVAE, CNNVAE, IWAE and VQVAE, which return a kind with its recipes
// for a model.Registry; their options are the fields of MLPVAEConfig and so on.
//
// What the models share is written once: an objective declares what a model minimises
// and can do, and objective.go makes the functions of a model of it. Each paper is a
// file, with its equation numbers beside the lines: elbo.go, iwae.go, vq.go (its prior
// is pixelcnn.go), ladder.go, m2.go and m1m2.go, vade.go, factor.go, aae.go. Networks
// are mlp.go and cnn.go, and regularizer.go has the terms that most VAEs change.
//
// Losses are sums over the pixels of an image, in nats, averaged over images.
// The package knows no data set, no training loop and no device.
package vae

// B images, H×W×C pixels in [0,1], F features, Z latent units, K labels, in every comment of
// this package.
