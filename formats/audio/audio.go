// Package audio reads recordings into samples of one channel, writes them as WAV files, and
// changes their rate.
//
// The format is recognised by the first bytes of a file, not by its name. It reads WAV: PCM
// of 8, 16, 24 and 32 bits and floats of 32 and 64, plain or as WAVE_FORMAT_EXTENSIBLE; and
// FLAC of up to 32 bits. Other formats are an error that names the programs that convert them.
// Several channels are mixed to their mean. No more than the samples that are asked for are
// read, so a recording of an hour costs no more than its first second; and memory grows
// with what is read, whatever a header says.
//
// The package must not know any data set or model.
package audio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/fault"
)

// ErrFormat marks malformed content, or a format that is not read, in contrast to a file that
// could not be read. Test with errors.Is.
var ErrFormat = errors.New("not a readable recording")

// The limits of a recording. Rates are in samples a second.
const (
	MinRate     = 1000
	MaxRate     = 768_000
	MaxChannels = 64
)

// A Clip is a recording of one channel.
type Clip struct {
	Samples []float32 // from −1 to 1, full scale; floats of a file may go beyond
	Rate    int       // samples a second
	More    bool      // the file goes on after them
}

// A stream is a recording in the course of being decoded.
type stream interface {
	// info returns the samples a second and the number of channels.
	info() (rate, channels int)
	// read writes whole frames, a sample for each channel, to the front of dst, whose length
	// is a multiple of the number of channels, and returns how many samples it wrote: none
	// with an error, which is io.EOF at the end.
	read(dst []float32) (n int, err error)
}

// Decode returns the first seconds of a recording, or all of a shorter one.
func Decode(r io.Reader, seconds float64) (Clip, error) {
	s, err := open(r)
	if err != nil {
		return Clip{}, err
	}
	rate, channels := s.info()
	if rate < MinRate || rate > MaxRate || channels < 1 || channels > MaxChannels {
		return Clip{}, fmt.Errorf("%w: %d samples a second in %d channels, want %d to %d in 1 to %d", ErrFormat, rate, channels, MinRate, MaxRate, MaxChannels)
	}
	c := Clip{Rate: rate}
	most := int(math.Ceil(seconds * float64(rate)))
	buf := make([]float32, 1024*channels)
	for len(c.Samples) <= most { // one more says whether there is more
		n, err := s.read(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Clip{}, err
		}
		for at := 0; at < n; at += channels {
			c.Samples = append(c.Samples, mean(buf[at:at+channels]))
		}
	}
	if i := slices.IndexFunc(c.Samples, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }); i >= 0 {
		return Clip{}, fmt.Errorf("%w: sample %d is not finite", ErrFormat, i)
	}
	if c.More = len(c.Samples) > most; c.More {
		c.Samples = c.Samples[:most]
	}
	return c, nil
}

// Rate returns the samples a second of a recording, from its header.
func Rate(r io.Reader) (int, error) {
	s, err := open(r)
	if err != nil {
		return 0, err
	}
	rate, _ := s.info()
	return rate, nil
}

// mean returns the mean of the samples of a frame.
func mean(frame []float32) float32 {
	sum := float64(0)
	for _, v := range frame {
		sum += float64(v)
	}
	return float32(sum / float64(len(frame)))
}

// open returns the stream of a recording, past its header.
func open(r io.Reader) (stream, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(headSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, f := range formats {
		if f.match(head) {
			return f.open(b)
		}
	}
	for _, u := range unread {
		if u.match(head) {
			return nil, fmt.Errorf("%w: %s, which is not read: %s makes a WAV file of it", ErrFormat, u.name, Converters)
		}
	}
	return nil, fmt.Errorf("%w: its first bytes are of no format that is read: want %s", ErrFormat, formatNames())
}

// headSize is the number of bytes that formats are recognised by.
const headSize = 12

// A format is a kind of files.
type format struct {
	name       string
	extensions []string
	match      func(head []byte) bool
	open       func(r *bufio.Reader) (stream, error)
}

var formats = []format{
	{"WAV", []string{".wav", ".wave"}, func(head []byte) bool {
		return len(head) >= 12 && bytes.Equal(head[:4], []byte("RIFF")) && bytes.Equal(head[8:12], []byte("WAVE"))
	}, openWAV},
	{"FLAC", []string{".flac"}, begins("fLaC"), openFLAC},
}

// Converters names the programs that write WAV files of recordings that are not read.
const Converters = "sox or ffmpeg"

// begins returns a function that reports whether a file begins with a text.
func begins(text string) func(head []byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(text)) }
}

// unread are formats that are recognised only, so that an error can name them.
var unread = []struct {
	name  string
	match func(head []byte) bool
}{
	{"an Ogg file (Vorbis or Opus)", begins("OggS")},
	{"an MP3 file, or one with an ID3 tag before it", func(head []byte) bool {
		return begins("ID3")(head) || len(head) >= 2 && head[0] == 0xff && head[1]&0xe0 == 0xe0
	}},
	{"an MP4 file", func(head []byte) bool { return len(head) >= 8 && string(head[4:8]) == "ftyp" }},
	{"an AIFF file", begins("FORM")},
	{"an AU file", begins(".snd")},
	{"a CAF file", begins("caff")},
	{"a WavPack file", begins("wvpk")},
	{"an RF64 file", begins("RF64")},
}

// formatNames returns the names of the formats that are read.
func formatNames() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// IsAudio reports whether a file of that name is a recording that is read, by its extension.
func IsAudio(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return slices.ContainsFunc(formats, func(f format) bool { return slices.Contains(f.extensions, ext) })
}

// Known reports whether the first bytes of a file are those of a recording that is read.
func Known(head []byte) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return f.match(head) })
}

// Unread are the extensions of recordings that are not read.
var Unread = []string{".ogg", ".oga", ".mp3", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64", ".amr", ".ape", ".wv", ".mka", ".mp2", ".ac3"}

// early returns the error of a file that ends before what it announces; other errors of
// reading are those of the machine, or of a zip.
func early(err error, what string) error {
	if (err == io.EOF || err == io.ErrUnexpectedEOF) && !fault.OfSystem(err) {
		return fmt.Errorf("%w: it ends within %s", ErrFormat, what)
	}
	return err
}
