package audio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// A FLAC file is "fLaC", blocks of metadata of which the first is STREAMINFO, and frames; see
// RFC 9639. Package github.com/mewkiz/flac decodes it. A frame has at most 65,535 samples of at
// most 8 channels, so what a header says costs at most 2 MiB.

// A flacFile is the samples of a FLAC file.
type flacFile struct {
	r        *watched
	s        *flac.Stream
	channels int
	frame    *frame.Frame // being read; nil before the first
	at       int          // samples of each channel that were read of it
	done     uint64       // samples of each channel that were read of all frames
}

// watched keeps the error with which reading failed, which a decoder may wrap or replace.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// failed returns an error of the decoder: that of reading if it failed, else ErrFormat.
func (w *watched) failed(err error) error {
	switch {
	case w.err != nil:
		return w.err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: a FLAC file that ends within its samples", ErrFormat)
	}
	return fmt.Errorf("%w: a FLAC file: %v", ErrFormat, err)
}

// safely returns the error of do, or its panic as an error: a decoder of others may panic on
// bytes that are no file of its format.
func safely(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder fails: %v", r)
		}
	}()
	return do()
}

// streamInfo are the first bytes of a FLAC file: its signature, and the header of STREAMINFO,
// of 34 bytes. A decoder that was given another block first would allocate what that says.
const streamInfo = "fLaC\x00\x00\x00\x22"

// openFLAC reads up to the samples.
func openFLAC(r *bufio.Reader) (stream, error) {
	head, err := r.Peek(len(streamInfo))
	if err != nil {
		return nil, early(err, "its header")
	}
	head = bytes.Clone(head)                         // the decoder reads these bytes too
	if head[4] &= 0x7f; string(head) != streamInfo { // the upper bit says that no other block follows
		return nil, fmt.Errorf("%w: a FLAC file that does not begin with STREAMINFO", ErrFormat)
	}
	f := &flacFile{r: &watched{Reader: r}}
	err = safely(func() (err error) {
		f.s, err = flac.New(f.r)
		return err
	})
	if err != nil {
		return nil, f.r.failed(err)
	}
	f.channels = int(f.s.Info.NChannels)
	return f, nil
}

// info returns the samples a second and the number of channels.
func (f *flacFile) info() (rate, channels int) { return int(f.s.Info.SampleRate), f.channels }

// read writes the next samples to dst: see stream.
func (f *flacFile) read(dst []float32) (int, error) {
	for f.frame == nil || f.at == len(f.frame.Subframes[0].Samples) {
		ended := false
		err := safely(func() (err error) {
			if f.frame, err = f.s.Next(); err == io.EOF {
				ended = true
				return err
			}
			if err == nil {
				err = f.frame.Parse()
			}
			return err
		})
		if ended && f.r.err == nil {
			if all := f.s.Info.NSamples; f.done < all { // 0 if they were not counted
				return 0, fmt.Errorf("%w: a FLAC file that ends within its samples, after %d of %d", ErrFormat, f.done, all)
			}
			return 0, io.EOF
		}
		if err == nil {
			err = f.check()
		}
		if err != nil {
			return 0, f.r.failed(err)
		}
		f.at = 0
	}
	bits := f.frame.BitsPerSample
	if bits == 0 {
		bits = f.s.Info.BitsPerSample
	}
	full := float64(uint64(1) << (bits - 1))
	n := min(len(dst)/f.channels, len(f.frame.Subframes[0].Samples)-f.at)
	for i := range n {
		for c, sub := range f.frame.Subframes {
			dst[i*f.channels+c] = float32(float64(sub.Samples[f.at+i]) / full)
		}
	}
	f.at += n
	f.done += uint64(n)
	return n * f.channels, nil
}

// check returns an error unless the frame has samples of the channels and bits that are read.
func (f *flacFile) check() error {
	if n := len(f.frame.Subframes); n != f.channels {
		return fmt.Errorf("a frame of %d channels, want %d", n, f.channels)
	}
	for _, sub := range f.frame.Subframes {
		if len(sub.Samples) != len(f.frame.Subframes[0].Samples) {
			return errors.New("a frame whose channels differ in length")
		}
	}
	bits := f.frame.BitsPerSample
	if bits == 0 {
		bits = f.s.Info.BitsPerSample
	}
	if bits < 1 || bits > 32 {
		return fmt.Errorf("samples of %d bits, want 1 to 32", bits)
	}
	return nil
}
