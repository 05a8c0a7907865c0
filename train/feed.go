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
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
)

// batches is how many batches exist: one in training, one that is ready, one being
// read.
const batches = 3

// chunkValues is how many values a goroutine reads at a time, about 0.1 ms of work
// where images need not be decoded. Smaller chunks are not worth the time to wake it.
const chunkValues = 1 << 18

// A batch is images of one step. A short batch is filled up with copies of its own
// images, which have weight 0: they do not count in sums, and statistics of the batch as
// a whole are close to those of its images.
type batch struct {
	epoch, at, n         int     // images at … at+n−1 of the order of an epoch, from 0
	index                []int32 // of these images in the set
	x                    *tensor.Tensor
	weight               *tensor.Tensor
	labels               *tensor.Tensor // (B,K); nil if the images have none
	measures             *tensor.Tensor // (B,M), of the call; nil if the model takes none
	labelledIndex        []int32        // of the labelled images of the step, L
	labelledX, labelledY *tensor.Tensor // (L,H,W,C) and (L,K); nil if the step takes none
	call                 *exec.Call     // operands of the step's program

	unread atomic.Int32  // chunks that are not read
	ready  chan struct{} // receives when all are
	mu     sync.Mutex
	failed int // place in the batch of the image of err, the first of several
	err    error
}

// A chunk is the images from place first on of a batch, its labelled images being after
// the others.
type chunk struct {
	b     *batch
	first int
}

// A feed reads the batches of a run ahead of the loop, on as many goroutines as there
// are processors, and hands them out in order. Batches are used again and again, so
// nothing is allocated for a step.
type feed struct {
	feedConfig
	perChunk      int // images
	item          medium.Item
	augment       augmentation
	started, free chan *batch // started: in order, read or being read
	chunks        chan chunk
	cancel        context.CancelFunc
	done          sync.WaitGroup
}

// A feedConfig says which batches a feed reads.
type feedConfig struct {
	images    data.Items
	batchSize int
	seed      uint64
	epoch, at int // of the first image
	epochs    int
	flip      bool           // Config.Flip
	shift     int            // Config.Shift
	labelled  *labelledItems // nil if the step takes none
	newCall   func(b *batch) (*exec.Call, error)
}

func newFeed(c feedConfig) (*feed, error) {
	ctx, cancel := context.WithCancel(context.Background())
	item := c.images.Item()
	f := &feed{
		feedConfig: c, perChunk: max(1, chunkValues/item.Size()), item: item, augment: newAugmentation(c, item),
		started: make(chan *batch, batches), free: make(chan *batch, batches), chunks: make(chan chunk), cancel: cancel,
	}
	for range batches {
		b, err := f.newBatch()
		if err != nil {
			cancel()
			return nil, err
		}
		f.free <- b
	}
	f.done.Go(func() { f.start(ctx) })
	for range runtime.GOMAXPROCS(0) {
		f.done.Go(func() { f.work(ctx) })
	}
	return f, nil
}

// newBatch returns a batch with its operands.
func (f *feed) newBatch() (*batch, error) {
	b := &batch{x: tensor.New(tensor.Float32, f.item.Batch(f.batchSize)...), weight: tensor.New(tensor.Float32, f.batchSize), ready: make(chan struct{}, 1)}
	if l, ok := f.images.(data.Labeller); ok {
		b.labels = tensor.New(tensor.Float32, f.batchSize, len(l.LabelNames()))
	}
	if l := f.labelled; l != nil {
		b.labelledIndex = make([]int32, l.size)
		b.labelledX, b.labelledY = tensor.New(tensor.Float32, f.item.Batch(l.size)...), tensor.New(tensor.Float32, l.size, len(l.images.LabelNames()))
	}
	var err error
	if b.call, err = f.newCall(b); b.call != nil {
		b.measures = b.call.Input(model.InputMeasures)
	}
	return b, err
}

// start hands out the chunks of one batch after another.
func (f *feed) start(ctx context.Context) {
	defer close(f.chunks)
	n := f.images.Len()
	steps := (n + f.batchSize - 1) / f.batchSize // an epoch
	for e, at := f.epoch, f.at; e < f.epochs; e, at = e+1, 0 {
		order := data.Shuffle(f.seed, e, n)
		for ; at < n; at += f.batchSize {
			var b *batch
			select {
			case b = <-f.free:
			case <-ctx.Done():
				return
			}
			b.setImages(e, at, order[at:min(at+f.batchSize, n)])
			if b.labels != nil {
				b.setLabels(f.images.(data.Labeller))
			}
			if f.labelled != nil {
				f.labelled.choose(int64(e*steps+at/f.batchSize), b.labelledIndex)
				b.setLabelledLabels(f.labelled.images)
			}
			b.unread.Store(int32((b.total() + f.perChunk - 1) / f.perChunk))
			f.started <- b // there is room for all batches
			for first := 0; first < b.total(); first += f.perChunk {
				select {
				case f.chunks <- chunk{b, first}:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// setImages makes b the batch of those images, which are still to be read.
func (b *batch) setImages(epoch, at int, index []int32) {
	b.epoch, b.at, b.n, b.index = epoch, at, len(index), index
	w := b.weight.F32()
	for k := range w {
		w[k] = 0
		if k < b.n {
			w[k] = 1
		}
	}
}

// setLabels writes the labels of the images, and those of their copies in a short batch.
func (b *batch) setLabels(l data.Labeller) {
	dst := b.labels.F32()
	k := len(dst) / b.weight.Size()
	for i, at := range b.index {
		l.LabelsAt(int(at), dst[i*k:(i+1)*k])
	}
	repeat(dst, b.n*k)
}

// setLabelledLabels writes the labels of the labelled images.
func (b *batch) setLabelledLabels(l data.Labeller) {
	dst := b.labelledY.F32()
	k := len(dst) / len(b.labelledIndex)
	for i, at := range b.labelledIndex {
		l.LabelsAt(int(at), dst[i*k:(i+1)*k])
	}
}

// total returns how many images are read for the batch.
func (b *batch) total() int { return b.n + len(b.labelledIndex) }

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
		for k := c.first; k < min(c.first+f.perChunk, c.b.total()) && ctx.Err() == nil; k++ {
			if err := f.read(r, c.b, k); err != nil {
				c.b.fail(k, err)
				break
			}
		}
		if c.b.unread.Add(-1) == 0 {
			c.b.fillUp()
			if c.b.measures != nil {
				data.FillMeasures(f.item, c.b.x.F32(), c.b.measures)
			}
			c.b.ready <- struct{}{}
		}
	}
}

// read reads the image at place k of b, the labelled images being after the others. A
// panic of a decoder is an error of the image.
func (f *feed) read(r *data.Reader, b *batch, k int) (err error) {
	x, image, at := b.x, int32(0), k
	own := func(stream rng.Key) rng.Key { return stream.At(uint64(b.epoch)).At(uint64(image)) }
	if k < b.n {
		image = b.index[k]
	} else {
		x, at = b.labelledX, k-b.n
		image = b.labelledIndex[at]
		own = func(stream rng.Key) rng.Key {
			return stream.At(uint64(b.epoch)).Split("labelled").At(uint64(b.at)).At(uint64(at))
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("image %d: panic: %v\n%s", image, p, debug.Stack())
		}
	}()
	size := f.item.Size()
	pix := x.F32()[at*size : (at+1)*size]
	err = r.Floats(int(image), pix)
	if err == nil {
		f.augment.apply(f.item, pix, own)
	}
	return err
}

func (b *batch) fail(k int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil || k < b.failed {
		b.failed = k
		b.err = fmt.Errorf("train: epoch %d, images %d to %d of its order: %w", b.epoch+1, b.at, b.at+b.n-1, err)
	}
}

// next returns the next batch. The loop releases it when its step is done.
func (f *feed) next() *batch {
	b := <-f.started
	<-b.ready
	return b
}

func (f *feed) release(b *batch) { f.free <- b }

// stop ends the feed. Its batches must not be used afterwards.
func (f *feed) stop() {
	f.cancel()
	f.done.Wait()
}
