// Package imago trains, judges, explores and serves generative image models: variational autoencoders and GANs, from
// one Go binary, with no Python and no cgo.
//
// It is a library of small packages on floors; ARCHITECTURE.md is the map. The command line is cmd/imago. This package
// itself holds nothing: it carries the tests of what all the others agree on, the policy of the tree.
package imago
