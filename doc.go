// Package imago trains, evaluates, explores and samples generative models of images, sound, music, texts and tables:
// variational autoencoders (VAEs) and generative adversarial networks (GANs). Everything is Go: no Python and no cgo.
//
// # The command line
//
// Most users start with the program:
//
//	go run github.com/imago-ml/imago/cmd/imago quickstart
//
// It trains a VAE on digits that it draws itself and opens a report. README.md has the next commands, docs/commands.md all
// of them.
//
// # The library
//
// Data opens a data set, Train trains a recipe on it, and the Trained model encodes, decodes, reconstructs and samples:
//
//	set, err := imago.Data(ctx, "digits", data.Options{})
//	...
//	recipe, err := imago.Published("cnn-vae", "latent=8", "beta=4")
//	...
//	trained, err := imago.Train(ctx, set, recipe, imago.Options{Epochs: 5, Progress: os.Stdout})
//	...
//	samples, err := trained.Draw(ctx, 1, 64)
//
// Own makes a recipe of a model of your own, with networks, losses and optimisers of your own; docs/models-in-go.md has a
// program for each. Package cli gives such models the whole command line.
//
// Each layer below is a package that can be used by itself. From the top down:
//
//   - train runs the training loop: epochs, checkpoints, evaluation, the log of a run.
//   - analysis/latent opens a trained model and encodes, decodes, reconstructs and samples; analysis/eval measures it.
//   - models/vae and models/gan have the models, models/model the type Model that all of them are.
//   - data and the packages below it read data sets; data/digits and data/faces draw their own.
//   - nn has layers, prob log-densities and divergences, optim update rules. All three build graphs.
//   - engine/graph is automatic differentiation: a graph of about thirty primitives, whose gradients can be differentiated
//     again. engine/cpu compiles a graph for the processor. engine/tensor holds arrays on the host.
//
// ARCHITECTURE.md says what each package promises and what it must not know. docs/glossary.md has each term with its symbol,
// its shape and its place in the code.
package imago
