package data

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"
)

// quietly is how long a file is read without a word.
const quietly = 2 * time.Second

// A longRead is a file that may take long to read.
type longRead struct {
	file     *os.File
	ctx      context.Context
	opt      Options
	started  time.Time
	progress *Progress // nil at first
	done     int64
}

// OpenLong opens a file that may take long to read. Once that has taken two seconds, opt.Progress is told how far it is;
// when ctx ends, reading fails with its cause.
func OpenLong(ctx context.Context, path string, opt Options) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &longRead{file: f, ctx: ctx, opt: opt, started: time.Now()}, nil
}

// longPiece is the most that is read before the context is looked at again.
const longPiece = 16 << 20

// Read reads as io.Reader.
func (r *longRead) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	n, err := r.file.Read(p[:min(len(p), longPiece)])
	r.done += int64(n)
	if r.progress != nil {
		r.progress.Set(r.done)
	} else if r.opt.Progress != nil && time.Since(r.started) > quietly {
		total := int64(-1)
		if st, err := r.file.Stat(); err == nil {
			total = st.Size()
		}
		r.progress = NewProgress(r.opt.Progress, "reading "+filepath.Base(r.file.Name()), total)
		r.progress.Set(r.done)
		if r.progress.bar == nil {
			r.progress.say()
		}
	}
	return n, err
}

// Close closes the file.
func (r *longRead) Close() error {
	if r.progress != nil {
		r.progress.Finish()
	}
	return r.file.Close()
}
