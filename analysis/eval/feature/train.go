package feature

import (
	"context"
	"fmt"
	"time"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// The settings of the training of a net. Each is part of Version.
const (
	epochs   = 4    // over the training images
	minSteps = 400  // but at least so many steps
	maxSteps = 2000 // and at most
	rate     = 1e-3 // of Adam, falling in a line to 0
	seed     = 1    // of first values, order and delays

	delayShare = 10 // an item is delayed by a tenth of its columns at most
)

// steps returns the number of batches on which a net is trained.
func steps(images int) int {
	return min(max(epochs*images/batch, minSteps), maxSteps)
}

// newInfo returns the description of the net of a set and its labelled training images. It
// fails with ErrUnfit if no net can be trained for the set.
func newInfo(set *data.Set) (Info, data.Labeller, error) {
	train, ok := set.Labelled(set.Train).(data.Labeller)
	if !ok || len(train.LabelNames()) == 0 {
		return Info{}, nil, fmt.Errorf("feature: %w: the images of %s have no labels to train it on", ErrUnfit, set.Name)
	}
	if labels := set.Train.Labels; labels != nil && set.Train.Attributes == nil && probe.OneClass(labels) {
		return Info{}, nil, fmt.Errorf("feature: %w: all images of %s are of one class, so there is nothing to learn", ErrUnfit, set.Name)
	}
	h, w, c, err := medium.HWC(resizedForNet(train).Item())
	if err != nil {
		return Info{}, nil, fmt.Errorf("feature: %w: %w", ErrUnfit, err)
	}
	if min(h, w) < minSide {
		return Info{}, nil, fmt.Errorf("feature: %w: images of %dx%dx%d, want sides of %d or more", ErrUnfit, h, w, c, minSide)
	}
	info := Info{
		Name: fmt.Sprintf("imago-cnn-%d", Version), Digest: set.Digest, Image: [3]int{h, w, c},
		Labels: train.LabelNames(), Exclusive: len(set.Classes) > 0,
		Train: train.Len(), Test: set.Test.Len(), Steps: steps(train.Len()),
	}
	if _, delays := train.Item().Medium.(medium.Delayer); delays { // an item means the same a little later
		info.Delay, info.Steps = max(1, w/delayShare), info.Steps*3/2
	}
	return info, train, nil
}

// timedSteps is the number of steps from which TrainingTime infers the time of all.
const timedSteps = 3

// TrainingTime estimates how long the training of a set's net takes on a device that does nothing
// else: it trains for a few steps. It fails with ErrUnfit if there is no net for the set.
func TrainingTime(ctx context.Context, set *data.Set, be backend.Backend) (time.Duration, error) {
	info, train, err := newInfo(set)
	if err != nil {
		return 0, err
	}
	all := info.Steps
	info.Steps = 1 + timedSteps // the first one compiles
	var start time.Time
	_, err = trainNet(ctx, info, train, be, func(step, _ int) {
		if step == 1 {
			start = time.Now()
		}
	})
	return time.Since(start) / timedSteps * time.Duration(all), err
}

// trainNet returns a Runner whose state holds the trained net that info describes.
func trainNet(ctx context.Context, info Info, train data.Labeller, be backend.Backend, progress func(step, of int)) (*exec.Runner, error) {
	f, params, slots, err := info.trainStep()
	if err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	r := exec.New(be, nil)
	if err := r.SetAll(nn.InitialValues(params, rng.New(seed).Split("feature")), optim.InitialValues(slots)); err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	p, err := r.Compile(f)
	if err != nil {
		return nil, fmt.Errorf("feature: %w", err)
	}
	c := p.NewCall()
	x, y, lr := c.Input(inputX).F32(), c.Input(inputLabels).F32(), c.Input(inputRate).F32()
	images, k := resizedForNet(train), len(info.Labels)
	var order []int32
	epoch := 0
	for step := range info.Steps {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if progress != nil {
			progress(step, info.Steps)
		}
		for len(order) < batch { // what is left of an epoch begins the next batch
			order = append(order, data.Shuffle(seed, epoch, train.Len())...)
			epoch++
		}
		index := order[:batch]
		order = order[batch:]
		if err := data.Floats(ctx, images, index, x); err != nil {
			return nil, fmt.Errorf("feature: %w", err)
		}
		info.delay(train.Item().Medium, x, rng.New(seed).Split("delay").At(uint64(step)))
		for i, j := range index {
			train.LabelsAt(int(j), y[i*k:(i+1)*k])
		}
		lr[0] = float32(rate * (1 - float64(step)/float64(info.Steps)))
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("feature: step %d: %w", step, err)
		}
	}
	return r, nil
}

// delay moves each item of a batch by a number of columns from −Delay to Delay, each as likely as
// another. Their medium is m; x (B,H,W,C).
func (i Info) delay(m medium.Medium, x []float32, key rng.Key) {
	d, ok := m.(medium.Delayer)
	if !ok {
		return
	}
	item := medium.Item{Medium: m, Shape: i.Image[:], Element: medium.Levels}
	draws := make([]float32, batch)
	key.Uniform(draws)
	for k, u := range draws {
		d.Delay(item, x[k*item.Size():(k+1)*item.Size()], int(u*float32(2*i.Delay+1))-i.Delay)
	}
}

// trainStep returns a step of Adam on the mean over the batch of
//
//	−Σ_k y ln softmax(l)             where labels exclude each other
//	Σ_k softplus(l) − y·l            for attributes
//
// with y (B,K), 0 or 1. An image without a label (all zeros) adds nothing to the
// first.
func (i Info) trainStep() (f *graph.Func, params []nn.Param, slots []optim.Slot, err error) {
	var in []*graph.Node
	var out []graph.Output
	var updates []graph.Update
	err = graph.Try(func() {
		b := nn.NewBuilder()
		x, _, logits := i.layers(b)
		y := graph.Input(inputLabels, tensor.Float32, logits.Shape()...)
		lr := graph.Input(inputRate, tensor.Float32)
		each := prob.BernoulliNLL(y, logits)
		if i.Exclusive {
			each = graph.Neg(graph.Sum(graph.Mul(y, logSoftmax(logits)), 1))
		}
		loss := graph.Mean(each)
		grads := graph.Grad(loss, b.States()...)
		updates, slots = optim.DefaultAdam().Update(b.States(), grads, lr)
		updates = optim.Guard(updates, loss, optim.GlobalNorm(grads))
		params = b.Params()
		in, out = []*graph.Node{x, y, lr}, []graph.Output{{Name: outputLoss, Value: loss}}
	})
	if err == nil {
		f, err = graph.NewFunc("train", in, out, updates)
	}
	return f, params, slots, err
}

// accuracy returns the share of the labels of images that the net gets right.
func (n *Net) accuracy(ctx context.Context, test data.Labeller) (float64, error) {
	_, p, err := n.Describe(ctx, test)
	if err != nil {
		return 0, err
	}
	k := len(n.Labels)
	want := make([]float32, len(p))
	for i := range test.Len() {
		test.LabelsAt(i, want[i*k:(i+1)*k])
	}
	right, of := n.Right(p, want)
	if of == 0 {
		return 0, nil
	}
	return float64(right) / float64(of), nil
}
