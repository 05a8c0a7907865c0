package data

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/imago-ml/imago/formats/imageio"
)

// A part is the file that a download writes to until it is complete. It is locked while
// it is open, so that two processes never write to it at once.
type part struct {
	f    *os.File
	size int64
}

// partSuffix ends the names of files that are being written.
const partSuffix = ".part"

// openPart opens path + ".part" and waits until no other process has it open; busy, if
// not nil, is called once before the wait. It returns nil as soon as path itself
// exists.
func openPart(ctx context.Context, path string, busy func()) (*part, error) {
	name := path + partSuffix
	for {
		if exists(path) {
			return nil, nil
		}
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		locked, err := lock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		// Between open and lock another process may have finished and renamed it.
		now, err := os.Stat(name)
		if locked && err == nil && os.SameFile(info, now) {
			return &part{f, info.Size()}, nil
		}
		f.Close()
		if busy != nil {
			busy()
			busy = nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: in use by another process: %w", name, context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// append reads r to its end into p. It refuses bytes that cannot be the file: an HTML
// page at the start, and more bytes than the file may have.
func (p *part) append(r io.Reader, f File, got func(n int)) error {
	br := bufio.NewReaderSize(r, 64<<10)
	if p.size == 0 {
		if head, _ := br.Peek(64); imageio.IsHTML(head) {
			return finalError{errors.New("an HTML page in place of the file")}
		}
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := br.Read(buf)
		if p.size+int64(n) > f.limit() {
			return finalError{fmt.Errorf("more than the %d bytes the file may have", f.limit())}
		}
		if n > 0 {
			if _, err := p.f.WriteAt(buf[:n], p.size); err != nil {
				return &localError{err}
			}
			p.size += int64(n)
			got(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cut off after %d bytes: %w", p.size, err)
		}
	}
}

func (p *part) truncate() error {
	if err := p.f.Truncate(0); err != nil {
		return &localError{err}
	}
	p.size = 0
	return nil
}

// check compares p with the digests of f.
func (p *part) check(f File) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(p.f, 0, p.size)); err != nil {
		return &localError{err}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 && !p.unpacksTo(f.Unpacked) {
		return fmt.Errorf("%d bytes with SHA-256 %s, want %s", p.size, got, f.SHA256)
	}
	return nil
}

// maxRatio is above the largest compression ratio of deflate, 1032 to 1.
const maxRatio = 1100

// unpacksTo reports whether p is a gzip file of content with that SHA-256.
func (p *part) unpacksTo(digest string) bool {
	zr, err := gzip.NewReader(io.NewSectionReader(p.f, 0, p.size))
	if digest == "" || err != nil {
		return false
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(zr, p.size*maxRatio)); err != nil {
		return false
	}
	return hex.EncodeToString(sum.Sum(nil)) == digest
}

// finish renames p to path. It closes p first, because some systems do not rename open
// files. It succeeds too if another process renames p at the same moment.
func (p *part) finish(path string) error {
	name := p.f.Name()
	if err := errors.Join(p.f.Sync(), p.f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil && !exists(path) {
		return err
	}
	return nil
}

// drop closes and deletes p.
func (p *part) drop() {
	os.Remove(p.f.Name())
	p.f.Close() // an error here loses nothing that is wanted
}

// close closes p and keeps it for the next attempt, unless it is empty.
func (p *part) close() {
	if p.size == 0 {
		os.Remove(p.f.Name())
	}
	p.f.Close() // an error here loses nothing that is not checked again
}
