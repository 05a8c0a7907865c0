package train

import (
	"context"
	"fmt"
	"sync"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/model"
	"github.com/imago-ml/imago/tensor"
)

// inFlight is how many batches exist: one in training, one being made.
const inFlight = 2

// A batch is images of one step. A short one is filled up with copies of its own,
// which have weight 0: they count for nothing, and statistics of the batch as a
// whole are about those of its images.
type batch struct {
	epoch, at, n int // images at … at+n−1 of the order of an epoch, from 0
	x            *tensor.Tensor
	weight       *tensor.Tensor
	in           [][]*tensor.Tensor // operands of each of the step's programs
	err          error
}

// A feed makes the batches of a run ahead of the loop, in order, from a place on.
// It owns two batches, which go round, so nothing is allocated for a step.
type feed struct {
	full, free chan *batch
	cancel     context.CancelFunc
	done       sync.WaitGroup
}

// A plan is what a feed follows.
type plan struct {
	images     data.Images
	size       int // images a full batch
	seed       uint64
	epoch, at  int // the first image
	epochs     int
	makeInputs func(x, weight *tensor.Tensor) [][]*tensor.Tensor
}

func newFeed(p plan) *feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{full: make(chan *batch, inFlight), free: make(chan *batch, inFlight), cancel: cancel}
	h, w, c := p.images.Shape()
	for range inFlight {
		b := &batch{x: tensor.New(tensor.Float32, p.size, h, w, c), weight: tensor.New(tensor.Float32, p.size)}
		b.in = p.makeInputs(b.x, b.weight)
		f.free <- b
	}
	f.done.Go(func() { f.run(ctx, p) })
	return f
}

func (f *feed) run(ctx context.Context, p plan) {
	n := p.images.Len()
	for e, at := p.epoch, p.at; e < p.epochs; e, at = e+1, 0 {
		order := data.Order(p.seed, e, n)
		for ; at < n; at += p.size {
			var b *batch
			select {
			case b = <-f.free:
			case <-ctx.Done():
				return
			}
			b.epoch, b.at, b.n = e, at, min(p.size, n-at)
			b.err = b.fill(ctx, p.images, order[at:at+b.n])
			f.full <- b // there is room for all batches
			if b.err != nil {
				return
			}
		}
	}
}

func (b *batch) fill(ctx context.Context, images data.Images, index []int32) error {
	x, w := b.x.F32(), b.weight.F32()
	for k := range w {
		w[k] = 0
		if k < b.n {
			w[k] = 1
		}
	}
	if err := data.Floats(ctx, images, index, x); err != nil {
		return fmt.Errorf("train: epoch %d, images %d to %d of its order: %w", b.epoch+1, b.at, b.at+b.n-1, err)
	}
	for used := b.n * (len(x) / len(w)); used < len(x); {
		used += copy(x[used:], x[:used])
	}
	return nil
}

// next is the next batch, to be given back when its step is done.
func (f *feed) next() *batch { return <-f.full }

func (f *feed) giveBack(b *batch) { f.free <- b }

// stop ends the feed. Its batches are of no use afterwards.
func (f *feed) stop() {
	f.cancel()
	f.done.Wait()
}

// operand picks a program's input by its name.
func operand(name string, x, weight, key, lr *tensor.Tensor) *tensor.Tensor {
	switch name {
	case model.InputX:
		return x
	case model.InputWeight:
		return weight
	case model.InputKey:
		return key
	case model.InputLR:
		return lr
	}
	return nil
}
