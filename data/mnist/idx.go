package mnist

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/internal/memory"
)

// ErrFormat marks malformed content, in contrast to a file that could not be read. Test
// with errors.Is.
var ErrFormat = errors.New("not a readable IDX file")

// MaxSize bounds the elements of an IDX file that is read: 2 GiB.
const MaxSize = 2 << 30

// An IDX is an array of unsigned bytes: (N), (N, H, W) or (N, H, W, C).
type IDX struct {
	Dims []int   // outermost first; 1, 3 or 4 of them
	Data []uint8 // row major
}

// Decode reads an IDX file, compressed with gzip or not, to its end. Memory grows with
// what is read, not with what the header claims, and within the budget of package memory. An error
// gives the offset, what was found and what was expected; it is ErrFormat unless the
// reader failed or the budget is too small.
func Decode(r io.Reader) (IDX, error) {
	src := &counter{r: r}
	br := bufio.NewReader(src)
	if head, _ := br.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return decode(br, func(err error, at int64) error { return src.fault(err, at, false) })
	}
	zr, err := gzip.NewReader(br)
	if err != nil {
		return IDX{}, src.fault(err, 0, true)
	}
	return decode(zr, func(err error, at int64) error { return src.fault(err, at, true) })
}

// decode reads the uncompressed file. fault formats an error of r at that offset.
func decode(r io.Reader, fault func(err error, at int64) error) (x IDX, err error) {
	var h [4]byte
	if n, err := io.ReadFull(r, h[:]); err != nil {
		return x, fault(err, int64(n))
	}
	if h[0] != 0 || h[1] != 0 {
		return x, fmt.Errorf("%w: offset 0: found % x, want 00 00", ErrFormat, h[:2])
	}
	if h[2] != ubyte {
		return x, fmt.Errorf("%w: offset 2: element type %#02x, want %#02x (unsigned bytes)", ErrFormat, h[2], ubyte)
	}
	rank := int(h[3])
	if rank != 1 && rank != 3 && rank != 4 {
		return x, fmt.Errorf("%w: offset 3: %d dimensions, want 1 (labels), 3 (images) or 4 (images with channels)", ErrFormat, rank)
	}
	dims := make([]byte, 4*rank)
	if n, err := io.ReadFull(r, dims); err != nil {
		return x, fault(err, int64(4+n))
	}
	size := int64(1)
	for i := range rank {
		d := int64(binary.BigEndian.Uint32(dims[4*i:]))
		if d == 0 && i > 0 {
			return x, fmt.Errorf("%w: offset %d: dimension %d is 0, want 1 or more", ErrFormat, 4+4*i, i)
		}
		if size *= max(d, 1); size > MaxSize { // an N of 0 does not free H and W of their bound
			return x, fmt.Errorf("%w: offset 4: the header claims %s elements, of which at most %d are read", ErrFormat, claim(dims), MaxSize)
		}
		x.Dims = append(x.Dims, int(d))
	}
	if x.Dims[0] == 0 {
		size = 0
	}
	at := int64(4 + 4*rank)
	x.Data, err = memory.ReadFull(r, size, "an IDX file of %s elements", claim(dims))
	if over := (*memory.Error)(nil); errors.As(err, &over) {
		return x, err
	}
	if err != nil {
		return x, fmt.Errorf("%w, of %d that the header claims", fault(err, at+int64(len(x.Data))), at+size)
	}
	// The end of a gzip stream holds its checksum: it is checked on reaching it.
	switch n, err := io.CopyN(io.Discard, r, 1); {
	case n > 0:
		return x, fmt.Errorf("%w: offset %d: more bytes, want the end after %d elements", ErrFormat, at+size, size)
	case err != io.EOF:
		return x, fault(err, at+size)
	}
	return x, nil
}

const ubyte = 0x08

// claim returns the dimensions of a header as text: 60000x28x28.
func claim(dims []byte) string {
	var s []string
	for ; len(dims) > 0; dims = dims[4:] {
		s = append(s, strconv.FormatUint(uint64(binary.BigEndian.Uint32(dims)), 10))
	}
	return strings.Join(s, "x")
}

// Encode returns the bytes of the uncompressed file.
func (x IDX) Encode() []byte { return append(x.header(), x.Data...) }

// Digest returns the SHA-256, in hex, of the uncompressed file.
func (x IDX) Digest() string {
	sum := sha256.New()
	sum.Write(x.header())
	for p := range slices.Chunk(x.Data, memory.Piece) {
		sum.Write(p)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (x IDX) header() []byte {
	b := []byte{0, 0, ubyte, byte(len(x.Dims))}
	for _, d := range x.Dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return b
}

// A counter records what an error message needs: how many bytes were read, and the
// error of the reader, if it failed.
type counter struct {
	r   io.Reader
	n   int64
	err error // of r, other than io.EOF
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// fault returns the error to report for err, which occurred at an offset of the
// uncompressed content.
func (c *counter) fault(err error, at int64, packed bool) error {
	early := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case c.err != nil:
		return c.err
	case early && packed:
		return fmt.Errorf("%w: the gzip data end early, at byte %d of the file, after %d unpacked bytes", ErrFormat, c.n, at)
	case early:
		return fmt.Errorf("%w: it ends early, after %d bytes", ErrFormat, at)
	}
	return fmt.Errorf("%w: byte %d of the file: %w", ErrFormat, c.n, err)
}

// ReadFile reads an IDX file. The error names it.
func ReadFile(path string) (IDX, error) {
	f, err := os.Open(path)
	if err != nil {
		return IDX{}, fmt.Errorf("mnist: %w", err)
	}
	defer f.Close()
	return readFile(f, path)
}

// readFile reads the file at path, which is open.
func readFile(f io.Reader, path string) (IDX, error) {
	x, err := Decode(f)
	if err != nil {
		return IDX{}, fmt.Errorf("mnist: %s: %w", path, err)
	}
	return x, nil
}
