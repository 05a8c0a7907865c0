package folder

import (
	"io"
	"sync"

	"github.com/imago-ml/imago/data"
)

// bar tells of a long read, from many goroutines; nil is silent.
type bar struct {
	mu   sync.Mutex
	p    *data.Progress
	done int64
}

// quiet is how many bytes of files are read without a word: some seconds.
const quiet = 16 << 20

// bytes is the size of all files.
func (o *onDemand) bytes() int64 {
	total := int64(0)
	for _, e := range o.entries {
		total += e.size
	}
	return total
}

func (o *onDemand) progress(w io.Writer) *bar {
	total := o.bytes()
	if w == nil || total < quiet {
		return nil
	}
	return &bar{p: data.NewProgress(w, "reading images", total)}
}

func (b *bar) add(n int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	b.p.Set(b.done)
}

func (b *bar) finish() {
	if b != nil && b.done > 0 {
		b.p.Finish()
	}
}
