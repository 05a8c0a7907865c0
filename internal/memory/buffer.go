package memory

import (
	"io"
	"runtime"
	"slices"
)

// Piece is how many bytes of a long array are copied or hashed at once. Both are one call of assembly, which the scheduler
// cannot stop: a collection of garbage waits for its end, and with it an interrupt, which a gigabyte in one call would
// delay by a second.
const Piece = 1 << 20

// grow is the factor by which the room of ReadFull grows: fewer copies than with 2, and at most as many bytes beside
// those that have come as 4 times these.
const grow = 4

// first is the room of ReadFull in bytes before anything has come.
const first = 64 << 10

// ReadFull reads n bytes of r, or as many as there are with io.ErrUnexpectedEOF. The room for them grows with what
// comes, so that n, which a file claims, is not believed before; each growth is checked against the budget. The format
// and its arguments are those of Check.
func ReadFull(r io.Reader, n int64, format string, args ...any) ([]byte, error) {
	b := make([]byte, min(n, first))
	for at := int64(0); ; {
		got, err := io.ReadFull(r, b[at:])
		at += int64(got)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || at == n {
			return b[:at], err
		}
		room := min(n, grow*at)
		if err := Check(room, format, args...); err != nil {
			return nil, err
		}
		more := make([]byte, room)
		copied := 0
		for p := range slices.Chunk(b, Piece) {
			copied += copy(more[copied:], p)
			runtime.Gosched() // a loop of copies alone is never seen where it can be stopped
		}
		b = more
	}
}
