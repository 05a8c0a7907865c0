package memory

import "io"

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
		b = append(make([]byte, 0, room), b...)[:room]
	}
}
