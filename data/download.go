package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imago-ml/imago/internal/option"
)

// A File is one file of a named set, as published.
type File struct {
	Name   string // as it is stored, "train-images-idx3-ubyte.gz"
	Size   int64  // bytes; 0 = unknown
	SHA256 string // of the bytes, in hex

	// Unpacked, if not "", is the SHA-256 of the content of a gzip file. A file that was
	// compressed again, with the same content, is then accepted too.
	Unpacked string
}

// A Downloader fetches files. The zero value is ready for use.
type Downloader struct {
	Client   *http.Client  // nil = the usual one; its CheckRedirect is not asked
	Progress io.Writer     // nil = silent; see NewProgress
	Window   time.Duration // a mirror must send MinBytes in each; 0 = 20 s
	MinBytes int64         // 0 = 16 KiB, about 6.5 kbit/s
	Tries    int           // at one mirror without receiving a byte; 0 = 3
	Backoff  time.Duration // before the second try, doubled for each further; 0 = 500 ms
}

// maxUnknownSize bounds a file whose size is not known: 16 GiB.
const maxUnknownSize = 16 << 30

func (d Downloader) defaults() Downloader {
	client := http.Client{}
	if d.Client != nil {
		client = *d.Client
	}
	client.CheckRedirect = checkRedirect
	d.Client = &client
	if d.Window == 0 {
		d.Window = 20 * time.Second
	}
	if d.MinBytes == 0 {
		d.MinBytes = 16 << 10
	}
	if d.Tries == 0 {
		d.Tries = 3
	}
	if d.Backoff == 0 {
		d.Backoff = 500 * time.Millisecond
	}
	return d
}

// Get fetches f into dir, which it creates, from the first of urls that delivers it,
// and returns the path. The bytes are written to f.Name + ".part", which is kept after
// a failure: the next attempt, mirror or process continues at its end. The file gets
// its name, in one step, only after its SHA-256 was verified. If every mirror fails,
// the error lists each with its fault. A file that exists already is neither read nor
// replaced.
func (d Downloader) Get(ctx context.Context, f File, urls []string, dir string) (path string, err error) {
	d = d.defaults()
	if len(f.SHA256) != 64 || f.Name == "" || f.Name != filepath.Base(f.Name) {
		return "", fmt.Errorf("data: download of %q: no plain name or no SHA-256", f.Name)
	}
	path = filepath.Join(dir, f.Name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", option.Errorf("data: %w; give another directory with {DataDir}", err)
	}
	p, err := openPart(ctx, path, nil)
	if err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	if p == nil { // another process has finished it
		return path, nil
	}
	defer p.close()

	var faults []string
	for _, url := range urls {
		err := d.mirror(ctx, f, url, p)
		if err == nil {
			if err := p.finish(path); err != nil {
				return "", fmt.Errorf("data: %w", err)
			}
			return path, nil
		}
		var local *localError
		if errors.As(err, &local) {
			return "", option.Errorf("data: %w; give another directory with {DataDir}", local.err)
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("data: %s: download stopped: %w", f.Name, context.Cause(ctx))
		}
		faults = append(faults, fmt.Sprintf("%s: %v", url, err))
	}
	if len(urls) == 0 {
		faults = []string{"no mirror is known"}
	}
	return "", fmt.Errorf("data: %s could not be fetched: %s", f.Name, strings.Join(faults, "; "))
}

// localError is a fault of this machine: another mirror does not help.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// finalError is a fault that another attempt at the same mirror does not remove.
type finalError struct{ error }

// maxRequests bounds the requests to one mirror that breaks off every answer.
const maxRequests = 64

// mirror fetches from one mirror until p holds all of f, or until the attempts are used
// up.
func (d Downloader) mirror(ctx context.Context, f File, url string, p *part) error {
	fresh := false // true once p holds bytes of this mirror only
	for try, requests := 0, 0; ; requests++ {
		if requests == maxRequests {
			return fmt.Errorf("cut off %d times, %d bytes so far", requests, p.size)
		}
		before := p.size
		if before == 0 {
			fresh = true
		}
		whole := f.Size > 0 && p.size >= f.Size
		var err error
		if !whole {
			err = d.once(ctx, f, url, p)
		}
		if err == nil {
			if err = p.check(f); err == nil {
				return nil
			}
			var local *localError
			if errors.As(err, &local) {
				return err
			}
			// What was there before may have been wrong, so this mirror gets one
			// chance with an empty file.
			if terr := p.truncate(); terr != nil {
				return terr
			}
			if fresh {
				return finalError{err}
			}
			continue
		}
		var local *localError
		var final finalError
		if errors.As(err, &local) || errors.As(err, &final) || ctx.Err() != nil {
			return err
		}
		if p.size > before {
			try = 0
		}
		if try++; try >= d.Tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d.Backoff << min(try-1, 6)):
		}
	}
}

// errSlow is the cause of a request ended because the mirror sent too little.
var errSlow = errors.New("too slow")

// once makes one request and appends the body to p. It succeeds only if the body came
// to its regular end.
func (d Downloader) once(ctx context.Context, f File, url string, p *part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return finalError{err}
	}
	if err := checkAddress(req.URL); err != nil {
		return err
	}
	req.Header.Set("User-Agent", "imago (https://github.com/imago-ml/imago)")
	// Otherwise net/http unpacks what a server calls Content-Encoding: gzip.
	req.Header.Set("Accept-Encoding", "identity")
	if p.size > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	}
	watch := newWatchdog(d.Window, d.MinBytes, func() {
		cancel(fmt.Errorf("%w: less than %d bytes in %v", errSlow, d.MinBytes, d.Window))
	})
	defer watch.stop()

	resp, err := d.Client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errSlow) {
			return finalError{cause}
		}
		return unwrapURL(err)
	}
	defer resp.Body.Close()
	total, err := d.accept(resp, f, p)
	if err != nil {
		return err
	}
	bar := NewProgress(d.Progress, f.Name, total)
	bar.Set(p.size)
	defer bar.Finish()
	err = p.append(resp.Body, f, func(n int) {
		watch.add(int64(n))
		bar.Set(p.size)
	})
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errSlow) {
		return finalError{cause}
	}
	if err == nil && resp.ContentLength < 0 && p.size < f.Size && f.Unpacked == "" {
		// An answer without a length ends as it is cut: by closing.
		err = fmt.Errorf("cut off after %d of %d bytes", p.size, f.Size)
	}
	return err
}

// accept checks the header of a response, and empties p if the response begins at the
// first byte. It returns the size of the whole file, or −1.
func (d Downloader) accept(resp *http.Response, f File, p *part) (total int64, err error) {
	switch resp.StatusCode {
	case http.StatusOK: // the server ignores Range, or was not asked
		if p.size > 0 {
			if err := p.truncate(); err != nil {
				return 0, err
			}
		}
	case http.StatusPartialContent:
		var from, to int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/", &from, &to); err != nil || from != p.size {
			return 0, finalError{fmt.Errorf("asked for bytes from %d on, was sent %q", p.size, resp.Header.Get("Content-Range"))}
		}
	case http.StatusRequestedRangeNotSatisfiable: // p is as long as the file, or longer
		if err := p.truncate(); err != nil {
			return 0, err
		}
		return 0, errors.New("what was there already is longer than the file")
	default:
		err := fmt.Errorf("status %s", resp.Status)
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
			return 0, err
		}
		return 0, finalError{err}
	}
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
		return 0, finalError{fmt.Errorf("status %d, but an HTML page in place of the file", resp.StatusCode)}
	}
	if resp.ContentLength < 0 {
		return max(f.Size, -1), nil
	}
	total = p.size + resp.ContentLength
	if limit := f.limit(); total > limit {
		return 0, finalError{fmt.Errorf("%d bytes, want at most %d", total, limit)}
	}
	return total, nil
}

// limit returns the largest number of bytes the file may have. One that was compressed
// again may be longer than the published one.
func (f File) limit() int64 {
	if f.Size == 0 {
		return maxUnknownSize
	}
	if f.Unpacked != "" {
		return f.Size + f.Size/4 + 4096
	}
	return f.Size
}

// unwrapURL removes the method and the address from an error of net/http: the caller
// names the mirror.
func unwrapURL(err error) error {
	var u interface{ Unwrap() error }
	if errors.As(err, &u) && strings.HasPrefix(err.Error(), "Get ") && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}

// exists reports whether path is a regular file.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() || err != nil && !errors.Is(err, fs.ErrNotExist)
}
