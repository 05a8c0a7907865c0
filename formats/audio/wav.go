package audio

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A WAV file is a sequence of chunks in one of type RIFF; every number is little-endian:
//
//	0   4  "RIFF"
//	4   4  size of what follows, not used
//	8   4  "WAVE"
//	12  …  chunks: 4 bytes of name, 4 of size, the content, and a byte more if the size is odd
//
// Chunk "fmt " says how samples are written, "data" holds them, others are skipped. The size
// of "data" is 0 or 2³²−1 if the file was written without knowing it: then it goes on to the
// end of the file.

// The formats of samples in a WAV file.
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xfffe // a format follows at offset 24
)

// wavNames are formats that are not read.
var wavNames = map[uint16]string{2: "ADPCM", 6: "A-law", 7: "µ-law", 0x11: "IMA ADPCM", 0x31: "GSM", 0x50: "MPEG", 0x55: "MP3"}

// maxSkip bounds the chunks before the samples.
const maxSkip = 1 << 28

// A wav is the samples of a WAV file.
type wav struct {
	r              *bufio.Reader
	rate, channels int
	width          int // bytes of a sample
	float          bool
	left           int64 // bytes of the data; −1 = up to the end of the file
	buf            []byte
}

// openWAV reads up to the samples.
func openWAV(r *bufio.Reader) (stream, error) {
	if _, err := r.Discard(12); err != nil {
		return nil, early(err, "its header")
	}
	var w *wav
	for skipped := int64(0); ; {
		var h [8]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			if err == io.EOF {
				return nil, fmt.Errorf("%w: a WAV file without samples (no chunk \"data\")", ErrFormat)
			}
			return nil, early(err, "the header of a chunk")
		}
		size := int64(binary.LittleEndian.Uint32(h[4:]))
		switch name := string(h[:4]); {
		case name == "data" && w == nil:
			return nil, fmt.Errorf("%w: a WAV file whose samples come before their format", ErrFormat)
		case name == "data":
			if w.left = size; size == 0 || size == math.MaxUint32 {
				w.left = -1
			}
			return w, nil
		case name == "fmt " && w == nil:
			var err error
			if w, err = wavFormat(r, size); err != nil {
				return nil, err
			}
		default:
			size += size & 1
			if skipped += size; skipped > maxSkip {
				return nil, fmt.Errorf("%w: a WAV file with %d bytes before its samples, want at most %d", ErrFormat, skipped, maxSkip)
			}
			if _, err := io.CopyN(io.Discard, r, size); err != nil {
				return nil, early(err, fmt.Sprintf("its chunk %q", name))
			}
		}
	}
}

// wavFormat reads a chunk "fmt " of so many bytes:
//
//	0   2  format of the samples
//	2   2  channels
//	4   4  samples a second
//	8   4  bytes a second, not used
//	12  2  bytes of a frame, a sample for each channel
//	14  2  bits of a sample, in the upper part of its bytes
//	24  2  format, if that at 0 is wavExtensible
func wavFormat(r *bufio.Reader, size int64) (*wav, error) {
	if size < 16 || size > 1<<16 {
		return nil, fmt.Errorf("%w: a WAV file whose chunk \"fmt \" has %d bytes, want 16 to 65536", ErrFormat, size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, early(err, "its chunk \"fmt \"")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	format, bits, frame := uint16(u16(0)), u16(14), u16(12)
	w := &wav{r: r, channels: u16(2), rate: int(binary.LittleEndian.Uint32(b[4:]))}
	if format == wavExtensible && size >= 26 {
		format = uint16(u16(24))
	}
	if name := wavNames[format]; name != "" || format != wavPCM && format != wavFloat {
		if name == "" {
			name = fmt.Sprintf("format %#x", format)
		}
		return nil, fmt.Errorf("%w: a WAV file of %s: save it as PCM of 16 bits", ErrFormat, name)
	}
	if w.channels < 1 || frame%w.channels != 0 {
		return nil, fmt.Errorf("%w: a WAV file of %d channels in %d bytes", ErrFormat, w.channels, frame)
	}
	w.width, w.float = frame/w.channels, format == wavFloat
	good := bits >= 1 && bits <= 8*w.width && bits > 8*(w.width-1) && w.width <= 4 ||
		w.width == 4 && bits == 24 // in the upper bytes of 4
	if w.float {
		good = bits == 8*w.width && (w.width == 4 || w.width == 8)
	}
	if !good {
		return nil, fmt.Errorf("%w: a WAV file of samples of %d bits in %d bytes: want PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64", ErrFormat, bits, w.width)
	}
	return w, nil
}

// info returns the samples a second and the number of channels.
func (w *wav) info() (rate, channels int) { return w.rate, w.channels }

// read writes the next samples to dst: see stream.
func (w *wav) read(dst []float32) (int, error) {
	frame := w.width * w.channels
	want := int64(len(dst) / w.channels * frame)
	if w.left >= 0 {
		want = min(want, w.left/int64(frame)*int64(frame))
	}
	if want == 0 {
		return 0, io.EOF
	}
	if int64(len(w.buf)) < want {
		w.buf = make([]byte, want)
	}
	n, err := io.ReadFull(w.r, w.buf[:want])
	switch {
	case err == nil:
	case w.left < 0 && n/frame > 0: // the end of the file is that of the data
		n = n / frame * frame
	case w.left < 0 && (err == io.EOF || err == io.ErrUnexpectedEOF):
		return 0, io.EOF
	default:
		return 0, early(err, "its samples")
	}
	if w.left >= 0 {
		w.left -= int64(n)
	}
	n /= w.width
	for i := range n {
		dst[i] = w.sample(w.buf[i*w.width:])
	}
	return n, nil
}

// sample returns the sample at the front of b.
func (w *wav) sample(b []byte) float32 {
	switch {
	case w.float && w.width == 4:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case w.float:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case w.width == 1: // the only one without a sign
		return (float32(b[0]) - 128) / 128
	case w.width == 2:
		return float32(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case w.width == 3:
		return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)>>8) / (1 << 23)
	}
	return float32(float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31))
}

// EncodeWAV returns a WAV file of one channel, PCM of 16 bits. Samples beyond −1 and 1 are
// clipped.
func EncodeWAV(samples []float32, rate int) ([]byte, error) {
	const header = 44
	if size := 2 * int64(len(samples)); size > math.MaxUint32-header {
		return nil, fmt.Errorf("audio: %d samples are too many for a WAV file", len(samples))
	}
	b := make([]byte, 0, header+2*len(samples))
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	b = u32(append(b, "RIFF"...), uint32(header-8+2*len(samples)))
	b = u16(u16(u32(append(b, "WAVEfmt "...), 16), wavPCM), 1)
	b = u16(u16(u32(u32(b, uint32(rate)), uint32(2*rate)), 2), 16)
	b = u32(append(b, "data"...), uint32(2*len(samples)))
	for _, v := range samples {
		b = u16(b, uint16(int16(math.Round(float64(min(max(v, -1), 1))*math.MaxInt16))))
	}
	return b, nil
}
