// Package feature trains a small convolutional classifier on the labels of a set, so that
// metrics can compare images by its features.
//
//	net, err := feature.Open(ctx, set, be, feature.Options{})
//	features, probabilities, err := net.Describe(ctx, images)
//
// The features of an image are the last hidden layer of the net; the probabilities are
// those of the set's classes or attributes. A net is determined by the training images,
// their labels and Version, so two users of one set have the same net, and numbers that
// were measured with nets of one Tag can be compared. They cannot be compared with
// numbers of another net, such as published ones measured with Inception. The accuracy
// on the test images is measured once and kept with the net.
//
// The package knows no generative model and no metric.
package feature

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
)

// B images a batch, N in all, H×W×C pixels, F features, K labels, in every comment
// of this package.

// Version changes with anything that changes a Net trained on the same set.
const Version = 1

// Size is F, the number of features.
const Size = 128

// maxSide is the longest side of an input image in pixels: larger images are resized.
const maxSide = 64

// minSide is the shortest side of an image in pixels.
const minSide = 8

// ErrUnfit marks a set for which no net can be trained: it has no labels, or its items are
// too small to be images. Test with errors.Is.
var ErrUnfit = errors.New("no feature net")

// An Info says on what a Net was trained, and how accurate it is.
type Info struct {
	Name      string   `json:"name"`            // "imago-cnn-1": architecture, training and Version
	Digest    string   `json:"data_digest"`     // data.Set.Digest
	Image     [3]int   `json:"image"`           // rows, columns, channels of the input
	Labels    []string `json:"labels"`          // names of the outputs
	Exclusive bool     `json:"exclusive"`       // an image has one label (a class), else any number (attributes)
	Train     int      `json:"train_images"`    // images trained on
	Test      int      `json:"test_images"`     // images that Accuracy was measured on
	Steps     int      `json:"training_steps"`  // of Batch images each
	Delay     int      `json:"delay,omitempty"` // columns by which training items are moved at most, in both directions; 0 = not
	Accuracy  float64  `json:"test_accuracy"`   // share of test labels that are right; 0 without test images
}

// A Net is a trained classifier on a device. It is safe for concurrent use.
type Net struct {
	Info
	Weights string // SHA-256, in hex, of the parameters
	runner  *exec.Runner
	forward *exec.Func
}

// batch is the number of images that are classified at a time.
const batch = 128

// layers builds the classifier: convolutions 5×5 of stride 2 with 32, 64, 128 filters until
// a side is at most 8, then F hidden units and a logit for each label.
//
//	x (B,H,W,C) → features (B,F), ≥ 0; logits (B,K)
func (i Info) layers(b *nn.Builder) (x, features, logits *graph.Node) {
	x = graph.Input(inputX, tensor.Float32, batch, i.Image[0], i.Image[1], i.Image[2])
	b.Kernel = nn.HeNormal
	h := graph.AddScalar(graph.Scale(x, 2), -1)
	for n := 0; n == 0 || max(h.Shape()[1], h.Shape()[2]) > 8; n++ {
		h = b.Conv2D(nn.LayerName("conv2d", n), h, min(32<<n, 128), 5, 2, graph.Same, nn.ReLU)
	}
	features = b.Dense("features", b.Flatten("flatten", h), Size, nn.ReLU)
	b.Kernel = nn.GlorotUniform
	return x, features, b.Dense("logits", features, len(i.Labels), nn.None)
}

// probabilities returns softmax of the logits where labels exclude each other, else
// sigmoid.
func (i Info) probabilities(logits *graph.Node) *graph.Node {
	if !i.Exclusive {
		return graph.Sigmoid(logits)
	}
	return graph.Exp(logSoftmax(logits))
}

// logSoftmax returns l − ln Σ e^l over the last axis. (B,K) → (B,K)
func logSoftmax(l *graph.Node) *graph.Node {
	n := l.Shape()[0]
	top := graph.StopGradient(graph.Reshape(graph.ReduceMax(l, 1), n, 1))
	l = graph.Sub(l, top)
	return graph.Sub(l, graph.Log(graph.Reshape(graph.Sum(graph.Exp(l), 1), n, 1)))
}

// newNet returns the net whose parameters are in the state of r, compiled.
func newNet(info Info, r *exec.Runner) (*Net, error) {
	n := &Net{Info: info, runner: r, forward: r.Func(func(int) (*graph.Func, error) { return info.function() })}
	var err error
	if n.Weights, err = info.digest(r); err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	if _, err := n.forward.Program(batch); err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	return n, nil
}

// The names of the inputs and outputs of a net and of its training step.
const (
	inputX              = "x"
	inputLabels         = "labels"
	inputRate           = "lr"
	outputFeatures      = "features"
	outputProbabilities = "probabilities"
	outputLoss          = "loss"
)

// function returns the function that a net runs on a batch of images.
func (i Info) function() (*graph.Func, error) {
	var in []*graph.Node
	var out []graph.Output
	err := graph.Try(func() {
		x, features, logits := i.layers(nn.NewBuilder())
		in = []*graph.Node{x}
		out = []graph.Output{{Name: outputFeatures, Value: features}, {Name: outputProbabilities, Value: i.probabilities(logits)}}
	})
	if err != nil {
		return nil, err
	}
	return graph.NewFunc("features", in, out, nil)
}

// digest returns the SHA-256, in hex, of the parameters in the state of r: the name of each,
// and its values as little-endian float32.
func (i Info) digest(r *exec.Runner) (string, error) {
	sum := sha256.New()
	for _, p := range i.params() {
		w, err := r.Get(p.Name)
		if err != nil {
			return "", err
		}
		// A hash never fails to write.
		io.WriteString(sum, p.Name)
		binary.Write(sum, binary.LittleEndian, w.F32())
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Describe returns the features and the label probabilities of images, which are resized
// first if they are larger than the input of the net. Other images of a batch do not change
// the result. It fails if the images have another shape than those of the net.
//
// images (N,H,W,C) → features (N,F), ≥ 0; probabilities (N,K).
func (n *Net) Describe(ctx context.Context, images data.Items) (features, probabilities []float32, err error) {
	images = resizedForNet(images)
	if h, w, c, err := medium.HWC(images.Item()); err != nil || [3]int{h, w, c} != n.Image {
		return nil, nil, fmt.Errorf("feature: images of %v, want %v", images.Item(), n.Image)
	}
	out, err := n.forward.Rows(ctx, images.Len(), batch, func(c *exec.Call, at, n int) error {
		index := make([]int32, n)
		for i := range index {
			index[i] = int32(at + i)
		}
		return data.Floats(ctx, images, index, c.Input(inputX).F32())
	})
	if err != nil {
		return nil, nil, fmt.Errorf("feature: %w", err)
	}
	return out[outputFeatures], out[outputProbabilities], nil
}

// Right counts the labels that probabilities (N,K) get right, of wanted labels (N,K), 0 or 1.
// A class is right if its probability is the largest of the image; an attribute, if its
// probability is above ½ exactly when it is 1. of is the number of labels that count: an
// image without a class has none.
func (i Info) Right(probabilities, wanted []float32) (right, of int) {
	if !i.Exclusive {
		for j, w := range wanted {
			if (probabilities[j] > 0.5) == (w > 0.5) {
				right++
			}
		}
		return right, len(wanted)
	}
	k := len(i.Labels)
	predicted := probe.Argmax(probabilities[:len(wanted)], k)
	for n, class := range probe.Argmax(wanted, k) {
		if wanted[n*k+int(class)] > 0 {
			of++
			if predicted[n] == class {
				right++
			}
		}
	}
	return right, of
}
