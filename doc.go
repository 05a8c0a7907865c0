// Package imago trains, evaluates, explores and samples generative models of images: variational autoencoders (VAEs) and
// generative adversarial networks (GANs). Everything is Go: no Python and no cgo.
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
// Each layer is a package that can be used by itself. From the top down:
//
//   - train runs the training loop: epochs, checkpoints, evaluation, the log of a run.
//   - analysis/latent opens a trained model and encodes, decodes, reconstructs and samples; analysis/eval measures it.
//   - models/vae and models/gan are the models, models/model the interfaces that they implement.
//   - data and the packages below it read data sets; data/digits and data/faces draw their own.
//   - nn has layers, prob log-densities and divergences, optim update rules. All three build graphs.
//   - engine/graph is automatic differentiation: a graph of about thirty primitives, whose gradients can be differentiated
//     again. engine/cpu compiles a graph for the processor. engine/tensor holds arrays on the host.
//
// ARCHITECTURE.md says what each package promises and what it must not know. docs/glossary.md has each term with its symbol,
// its shape and its place in the code.
package imago
