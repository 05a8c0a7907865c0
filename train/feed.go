package train

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// inFlight is how many batches exist: one in training, one that is ready, one being
// made.
const inFlight = 3

// chunkValues is how many values a goroutine makes at a time, about 0.1 ms of work
// where images need not be decoded: less is not worth waking it.
const chunkValues = 1 << 18

// A batch is images of one step. A short one is filled up with copies of its own,
// which have weight 0: they count for nothing, and statistics of the batch as a
// whole are about those of its images.
type batch struct {
	epoch, at, n int // images at … at+n−1 of the order of an epoch, from 0
	index        []int32
	x            *tensor.Tensor
	weight       *tensor.Tensor
	labels       *tensor.Tensor   // (B,K); nil if the images tell none
	few          []int32          // labelled images of the step, L
	fewX, fewY   *tensor.Tensor   // (L,H,W,C) and (L,K); nil if the step takes none
	in           []*tensor.Tensor // operands of the step's program

	left  atomic.Int32  // chunks that are not made
	whole chan struct{} // told when none is left
	mu    sync.Mutex
	bad   int // image of err in the batch, the first of several
	err   error
}

// A chunk is the images from first on of a batch, and of those that are labelled
// after them.
type chunk struct {
	b     *batch
	first int
}

// A feed makes the batches of a run ahead of the loop, on as many goroutines as
// there are processors, and gives them in order. Its batches go round, so nothing
// is allocated for a step.
type feed struct {
	plan
	perChunk    int     // images
	flips       rng.Key // of image i in epoch e: At(e).At(i)
	item        medium.Item
	mirror      medium.Mirror // nil = no flips
	begun, free chan *batch   // begun, in order: made or being made
	chunks      chan chunk
	cancel      context.CancelFunc
	done        sync.WaitGroup
}

// A plan is what a feed follows.
type plan struct {
	images     data.Items
	size       int // images a full batch
	seed       uint64
	epoch, at  int // the first image
	epochs     int
	flip       bool      // Config.Flip
	labelled   *labelled // nil if the step takes none
	makeInputs func(b *batch) []*tensor.Tensor
}

func newFeed(p plan) *feed {
	ctx, cancel := context.WithCancel(context.Background())
	item := p.images.Item()
	f := &feed{
		plan: p, perChunk: max(1, chunkValues/item.Size()), flips: rng.New(p.seed).Split("flip"), item: item,
		begun: make(chan *batch, inFlight), free: make(chan *batch, inFlight), chunks: make(chan chunk), cancel: cancel,
	}
	if p.flip {
		f.mirror, _ = item.Medium.(medium.Mirror)
	}
	for range inFlight {
		b := &batch{x: tensor.New(tensor.Float32, item.Batch(p.size)...), weight: tensor.New(tensor.Float32, p.size), whole: make(chan struct{}, 1)}
		if l, ok := p.images.(data.Labeller); ok {
			b.labels = tensor.New(tensor.Float32, p.size, len(l.LabelNames()))
		}
		if l := p.labelled; l != nil {
			b.few = make([]int32, l.size)
			b.fewX, b.fewY = tensor.New(tensor.Float32, item.Batch(l.size)...), tensor.New(tensor.Float32, l.size, len(l.images.LabelNames()))
		}
		b.in = p.makeInputs(b)
		f.free <- b
	}
	f.done.Go(func() { f.begin(ctx) })
	for range runtime.GOMAXPROCS(0) {
		f.done.Go(func() { f.work(ctx) })
	}
	return f
}

// begin hands out the chunks of one batch after another.
func (f *feed) begin(ctx context.Context) {
	defer close(f.chunks)
	n := f.images.Len()
	steps := (n + f.size - 1) / f.size // an epoch
	for e, at := f.epoch, f.at; e < f.epochs; e, at = e+1, 0 {
		order := data.Shuffle(f.seed, e, n)
		for ; at < n; at += f.size {
			var b *batch
			select {
			case b = <-f.free:
			case <-ctx.Done():
				return
			}
			b.set(e, at, order[at:min(at+f.size, n)])
			if b.labels != nil {
				b.label(f.images.(data.Labeller))
			}
			if f.labelled != nil {
				f.labelled.of(int64(e*steps+at/f.size), b.few)
				b.labelFew(f.labelled.images)
			}
			b.left.Store(int32((b.all() + f.perChunk - 1) / f.perChunk))
			f.begun <- b // there is room for all batches
			for first := 0; first < b.all(); first += f.perChunk {
				select {
				case f.chunks <- chunk{b, first}:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// set makes b the batch of those images, which are still to be read.
func (b *batch) set(epoch, at int, index []int32) {
	b.epoch, b.at, b.n, b.index = epoch, at, len(index), index
	w := b.weight.F32()
	for k := range w {
		w[k] = 0
		if k < b.n {
			w[k] = 1
		}
	}
}

// label writes what is known of the images, in a short batch of their copies too.
func (b *batch) label(l data.Labeller) {
	dst := b.labels.F32()
	k := len(dst) / b.weight.Size()
	for i, at := range b.index {
		l.LabelsAt(int(at), dst[i*k:(i+1)*k])
	}
	repeat(dst, b.n*k)
}

// labelFew writes the labels of the labelled images.
func (b *batch) labelFew(l data.Labeller) {
	dst := b.fewY.F32()
	k := len(dst) / len(b.few)
	for i, at := range b.few {
		l.LabelsAt(int(at), dst[i*k:(i+1)*k])
	}
}

// all returns how many images are read for the batch.
func (b *batch) all() int { return b.n + len(b.few) }

// fillUp copies the images of a short batch to the places that are left.
func (b *batch) fillUp() {
	x := b.x.F32()
	repeat(x, b.n*(len(x)/b.weight.Size()))
}

// repeat fills x with copies of its first used values.
func repeat(x []float32, used int) {
	for used < len(x) {
		used += copy(x[used:], x[:used])
	}
}

// work reads images until there are no more chunks.
func (f *feed) work(ctx context.Context) {
	r := data.NewReader(f.images)
	for c := range f.chunks {
		for k := c.first; k < min(c.first+f.perChunk, c.b.all()) && ctx.Err() == nil; k++ {
			if err := f.read(r, c.b, k); err != nil {
				c.b.fail(k, err)
				break
			}
		}
		if c.b.left.Add(-1) == 0 {
			c.b.fillUp()
			c.b.whole <- struct{}{}
		}
	}
}

// read makes image k of b, those that are labelled coming after the others. A
// decoder's bug is an error of the image.
func (f *feed) read(r *data.Reader, b *batch, k int) (err error) {
	x, image, at, flips := b.x, int32(0), k, f.flips.At(uint64(b.epoch))
	if k < b.n {
		image = b.index[k]
		flips = flips.At(uint64(image))
	} else {
		x, at = b.fewX, k-b.n
		image = b.few[at]
		flips = flips.Split("labelled").At(uint64(b.at)).At(uint64(at))
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("image %d: panic: %v\n%s", image, p, debug.Stack())
		}
	}()
	size := f.item.Size()
	pix := x.F32()[at*size : (at+1)*size]
	err = r.Floats(int(image), pix)
	if f.mirror != nil && err == nil && flips.Float64() < 0.5 {
		f.mirror.MirrorLeftRight(f.item, pix)
	}
	return err
}

func (b *batch) fail(k int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil || k < b.bad {
		b.bad = k
		b.err = fmt.Errorf("train: epoch %d, images %d to %d of its order: %w", b.epoch+1, b.at, b.at+b.n-1, err)
	}
}

// next returns the next batch, to be given back when its step is done.
func (f *feed) next() *batch {
	b := <-f.begun
	<-b.whole
	return b
}

func (f *feed) giveBack(b *batch) { f.free <- b }

// stop ends the feed. Its batches are of no use afterwards.
func (f *feed) stop() {
	f.cancel()
	f.done.Wait()
}
