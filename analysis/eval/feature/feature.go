// Package feature is the eye of metrics that compare images by what is on them: a
// small convolutional classifier that imago trains itself on the labels of a set.
//
// A Net gives each image features, the last hidden layer, and the probabilities of
// the set's classes or attributes. It is determined by the training images, their
// labels and Version: whoever has the set has the net, and numbers measured with
// nets of one Tag can be compared. They cannot be compared with numbers of
// another net, such as published ones measured with Inception. Its accuracy on the
// test images is measured once and kept with it.
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
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
)

// B images a batch, N in all, H×W×C pixels, F features, K labels, in every comment
// of this package.

// Version changes with anything that changes a Net trained on the same set.
const Version = 1

// Size is F.
const Size = 128

// maxSide is the longest side in pixels that a net sees: larger images are resized.
const maxSide = 64

// minSide is the shortest side of an image that there is something to see on.
const minSide = 8

// ErrUnfit marks a set that no net can be trained for: without labels, or of what
// is not images.
var ErrUnfit = errors.New("no feature net")

// Info is what a Net was trained on and what it came to.
type Info struct {
	Name      string   `json:"name"`           // "imago-cnn-1": architecture, training and Version
	Digest    string   `json:"data_digest"`    // data.Set.Digest
	Image     [3]int   `json:"image"`          // rows, columns, channels as the net sees them
	Labels    []string `json:"labels"`         // what it tells apart
	Exclusive bool     `json:"exclusive"`      // an image has one label (a class), else any number (attributes)
	Train     int      `json:"train_images"`   // images trained on
	Test      int      `json:"test_images"`    // images that Accuracy was measured on
	Steps     int      `json:"training_steps"` // of Batch images each
	Accuracy  float64  `json:"test_accuracy"`  // share of test labels that are told right; 0 without test images
}

// A Net is a trained classifier on a device. It is safe for concurrent use.
type Net struct {
	Info
	Weights string // SHA-256, in hex, of the parameters
	runner  *exec.Runner
	forward *exec.Func
}

// batch is how many images a Net looks at at a time.
const batch = 128

// build builds the classifier: convolutions 5×5 of stride 2 with 32, 64, 128
// filters until a side is at most 8, then F hidden units and a logit a label.
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

// function returns the function of a net, of a batch of images.
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

// digest returns the SHA-256, in hex, of the parameters in the state of r: of each its name and its
// values as little-endian float32.
func (i Info) digest(r *exec.Runner) (string, error) {
	sum := sha256.New()
	for _, p := range i.params() {
		w, err := r.Get(p.Name)
		if err != nil {
			return "", err
		}
		// A hash takes all that it is given.
		io.WriteString(sum, p.Name)
		binary.Write(sum, binary.LittleEndian, w.F32())
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Describe gives the features and the probabilities of images, resized first if
// the net sees them smaller. The images of a batch do not change each other's
// numbers.
//
// images (N,H,W,C) → features (N,F), probabilities (N,K).
func (n *Net) Describe(ctx context.Context, images data.Items) (features, probabilities []float32, err error) {
	seen := resizedForNet(images)
	if h, w, c := seen.Shape(); [3]int{h, w, c} != n.Image {
		return nil, nil, fmt.Errorf("feature: images of %dx%dx%d, the net sees %v", h, w, c, n.Image)
	}
	out, err := n.forward.Rows(ctx, seen.Len(), batch, func(c *exec.Call, at, n int) error {
		index := make([]int32, n)
		for i := range index {
			index[i] = int32(at + i)
		}
		return data.Floats(ctx, seen, index, c.Input(inputX).F32())
	})
	if err != nil {
		return nil, nil, fmt.Errorf("feature: %w", err)
	}
	return out[outputFeatures], out[outputProbabilities], nil
}

// Right counts what probabilities (N,K) tell right of wanted labels (N,K), 0 or 1:
// the largest is the image's class, or an attribute is there where above ½. Images
// of no class are not counted.
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
	told := probe.Argmax(probabilities[:len(wanted)], k)
	for n, class := range probe.Argmax(wanted, k) {
		if wanted[n*k+int(class)] > 0 {
			of++
			if told[n] == class {
				right++
			}
		}
	}
	return right, of
}
