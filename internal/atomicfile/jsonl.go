package atomicfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxLine is the length in bytes, newline included, above which a line of a JSONL file is refused: a file that has
// none is not ours, and is not to be read into memory in search of one.
const MaxLine = 16 << 20

// JSONL is a log: one JSON value a line, appended. Each line is handed to the system in one write, so a process killed
// at any moment leaves whole lines and at most one torn one, last, which OpenJSONL drops. It is not safe for concurrent
// use, and one process writes a file at a time; readers may come at any moment (ReadJSONL).
type JSONL struct {
	name string
	f    *os.File
	end  int64 // offset after the last whole line
}

// OpenJSONL opens the log called name for appending, creating it if there is none. What stands after the last line that
// is whole (it ends in a newline and is JSON) is cut off; a damaged line further up is not touched.
func OpenJSONL(name string) (*JSONL, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, Mode)
	if err != nil {
		return nil, err
	}
	j := &JSONL{name: name, f: f}
	var off int64
	err = eachLine(name, f, func(line []byte) error {
		off += int64(len(line)) + 1
		if json.Valid(line) {
			j.end = off
		}
		return nil
	})
	if err == nil {
		err = j.cut(j.end)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// Append writes v as one line. On an error (a full disk, a value that JSON has no way to write, such as a NaN) the file
// is as before. The line outlives the process; it outlives a power cut after Sync.
func (j *JSONL) Append(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b) // ends the line
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	if b.Len() > MaxLine {
		return fmt.Errorf("%s: a line of %d bytes, want at most %d", j.name, b.Len(), MaxLine)
	}
	if n, err := j.f.Write(b.Bytes()); err != nil {
		if n > 0 {
			err = errors.Join(err, j.cut(j.end)) // else the next line would be glued to this one's stump
		}
		return err
	}
	j.end += int64(b.Len())
	return nil
}

// TruncateAfter cuts the log off before the first line that keep refuses, and returns how many lines that dropped. A
// run resumed at step N keeps the lines of steps up to N, so that what it then appends is not told twice. Lines come
// without their newline and are valid until keep returns.
func (j *JSONL) TruncateAfter(keep func(line []byte) bool) (dropped int, err error) {
	if _, err := j.f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	var end int64
	err = eachLine(j.name, j.f, func(line []byte) error {
		switch {
		case dropped > 0 || !keep(line):
			dropped++
		default:
			end += int64(len(line)) + 1
		}
		return nil
	})
	if err != nil {
		return 0, errors.Join(err, j.cut(j.end))
	}
	if err := j.cut(end); err != nil {
		return 0, err
	}
	return dropped, j.Sync()
}

// Sync puts the lines on the disk.
func (j *JSONL) Sync() error { return j.f.Sync() }

// Close syncs and closes the log.
func (j *JSONL) Close() error { return errors.Join(j.f.Sync(), j.f.Close()) }

// cut ends the file at offset end, where the next line goes.
func (j *JSONL) cut(end int64) error {
	if err := j.f.Truncate(end); err != nil {
		return err
	}
	j.end = end
	_, err := j.f.Seek(end, io.SeekStart)
	return err
}

// ReadJSONL calls line with each whole line of the log called name, without its newline, and stops at its first error.
// A torn last line is left out, so a log may be read while it is written. The slice is valid until line returns.
func ReadJSONL(name string, line func([]byte) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return eachLine(name, f, line)
}

func eachLine(name string, r io.Reader, line func([]byte) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var long []byte // what was read so far of a line longer than br's buffer
	for n := 1; ; {
		b, err := br.ReadSlice('\n')
		if len(long)+len(b) > MaxLine {
			return fmt.Errorf("%s: line %d: longer than %d bytes: not a JSON lines file", name, n, MaxLine)
		}
		switch err {
		case nil:
			if len(long) > 0 {
				b = append(long, b...)
			}
			if err := line(b[:len(b)-1]); err != nil {
				return fmt.Errorf("%s: line %d: %w", name, n, err)
			}
			long, n = long[:0], n+1
		case bufio.ErrBufferFull:
			long = append(long, b...)
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}
