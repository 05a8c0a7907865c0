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

// MaxLine is the largest length of a line of a JSONL file in bytes, with its newline. A longer line is an error: it is not a
// log, and should not be read into memory.
const MaxLine = 16 << 20

// A JSONL is a log with one JSON value in each line. Each line is written by one system call. A process that is killed
// therefore leaves complete lines, and at most one partial last line, which OpenJSONL removes. A JSONL is not safe for
// concurrent use, and only one process at a time may write a file. ReadJSONL may read it at any time.
type JSONL struct {
	name string
	f    *os.File
	size int64 // the offset after the last complete line
}

// OpenJSONL opens the log of the given name for appending, and creates it if it does not exist. It removes everything after
// the last complete line, which ends with a newline and is JSON. It does not change damaged lines before it.
func OpenJSONL(name string) (*JSONL, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, Mode)
	if err != nil {
		return nil, err
	}
	j := &JSONL{name: name, f: f}
	var off int64
	err = forEachLine(name, f, func(line []byte) error {
		off += int64(len(line)) + 1
		if json.Valid(line) {
			j.size = off
		}
		return nil
	})
	if err == nil {
		err = j.truncate(j.size)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// Append writes v as one line. If it returns an error, for example for a full disk or for NaN, the file is unchanged. The line
// survives the end of the process, and after Sync also a power failure.
func (j *JSONL) Append(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b) // writes the newline too
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	if b.Len() > MaxLine {
		return fmt.Errorf("%s: a line of %d bytes, want at most %d", j.name, b.Len(), MaxLine)
	}
	if n, err := j.f.Write(b.Bytes()); err != nil {
		if n > 0 {
			err = errors.Join(err, j.truncate(j.size)) // otherwise the next line would follow a partial one
		}
		return err
	}
	j.size += int64(b.Len())
	return nil
}

// TruncateAfter removes the first line for which keep returns false and all lines after it, and returns their number. A run
// that resumes at step N keeps the lines of steps up to N, so that no line is in the log twice. keep gets each line without
// its newline, and must not keep the slice.
func (j *JSONL) TruncateAfter(keep func(line []byte) bool) (dropped int, err error) {
	if _, err := j.f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	var end int64
	err = forEachLine(j.name, j.f, func(line []byte) error {
		switch {
		case dropped > 0 || !keep(line):
			dropped++
		default:
			end += int64(len(line)) + 1
		}
		return nil
	})
	if err != nil {
		return 0, errors.Join(err, j.truncate(j.size))
	}
	if err := j.truncate(end); err != nil {
		return 0, err
	}
	return dropped, j.Sync()
}

// Sync writes the lines to the disk.
func (j *JSONL) Sync() error { return j.f.Sync() }

// Close syncs and closes the log.
func (j *JSONL) Close() error { return errors.Join(j.f.Sync(), j.f.Close()) }

// truncate ends the file at an offset, after which the next line is written.
func (j *JSONL) truncate(end int64) error {
	if err := j.f.Truncate(end); err != nil {
		return err
	}
	j.size = end
	_, err := j.f.Seek(end, io.SeekStart)
	return err
}

// ReadJSONL calls line with each complete line of the log of the given name, without its newline, and returns its first error.
// It skips a partial last line, so a log may be read while it is written. line must not keep the slice.
func ReadJSONL(name string, line func([]byte) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return forEachLine(name, f, line)
}

// forEachLine calls line with each complete line of r, without its newline. Errors contain name and the number of the line.
func forEachLine(name string, r io.Reader, line func([]byte) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var long []byte // the start of a line that is longer than the buffer of br
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
