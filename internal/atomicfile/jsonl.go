package atomicfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/imago-ml/imago/internal/disk"
)

// MaxLine is the largest length of a line of a JSONL file in bytes, with its newline. A longer line is an error: it is not a
// log, and should not be read into memory.
const MaxLine = 16 << 20

// A JSONL is a log with one JSON object in each line, the last member of which is the checksum of those before it:
//
//	{"step":100,"loss":1.5,"crc32c":"8a9136aa"}
//
// Each line is written by one system call. A process that is killed therefore leaves complete lines, and at most one
// partial last line, which OpenJSONL removes. A JSONL is not safe for concurrent use, and only one process at a time may
// write a file. ReadJSONL may read it at any time.
type JSONL struct {
	name string
	f    disk.File
	size int64 // the offset after the last line
}

// ErrDamaged marks a line whose bytes are not those that were written. Test with errors.Is.
var ErrDamaged = errors.New("the line is damaged")

const (
	sumBefore = `,"crc32c":"`
	sumAfter  = `"}`
	sumLen    = len(sumBefore) + 8 + len(sumAfter)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed returns the line of an object with its checksum, and the newline.
func sealed(object []byte) []byte {
	open := object[:len(object)-1] // without its brace
	return fmt.Appendf(slices.Clip(open), "%s%08x%s\n", sumBefore, crc32.Checksum(open, castagnoli), sumAfter)
}

// Verify returns ErrDamaged if a line is no JSON or has a checksum that is not its own. A line of an earlier version has
// none.
func Verify(line []byte) error {
	if !json.Valid(line) {
		return fmt.Errorf("%w: it is not JSON", ErrDamaged)
	}
	at := len(line) - sumLen
	if at < 0 || string(line[at:at+len(sumBefore)]) != sumBefore {
		return nil
	}
	if got := fmt.Sprintf("%08x", crc32.Checksum(line[:at], castagnoli)); got != string(line[at+len(sumBefore):len(line)-len(sumAfter)]) {
		return fmt.Errorf("%w: the checksum of its bytes is %s", ErrDamaged, got)
	}
	return nil
}

// OpenJSONL opens the log of the given name in a folder for appending, and creates it if it does not exist. The first line
// for which keep returns false and all lines after it are removed; nil keeps all. A run that resumes at step N keeps the
// lines of steps up to N, so that no line is in the log twice. keep gets each line without its newline, and must not keep
// the slice.
//
// A line that was not written to its end is removed too. So is a damaged line with those after it, as a power failure may
// leave anything of what was not synced: damage says which, and is worth a warning. If a line after it is to be kept, the
// error is ErrDamaged, and nothing is changed.
func OpenJSONL(dir disk.Folder, name string, keep func(line []byte) bool) (j *JSONL, damage, err error) {
	f, err := dir.Append(name)
	if err != nil {
		return nil, nil, err
	}
	j = &JSONL{name: dir.Path(name), f: f}
	if damage, err = j.recover(keep); err != nil {
		f.Close()
		return nil, nil, err
	}
	return j, damage, nil
}

// recover finds the end of the lines that are kept and removes what is after it.
func (j *JSONL) recover(keep func(line []byte) bool) (damage, err error) {
	var off int64 // of the line after this one
	n, ended := 0, false
	err = forEachLine(j.name, j.f, func(line []byte) error {
		n++
		off += int64(len(line)) + 1
		if ended {
			return nil
		}
		err := Verify(line)
		switch {
		case err != nil && damage == nil:
			damage = fmt.Errorf("%s: line %d: %w", j.name, n, err)
		case err != nil:
		case keep != nil && !keep(line):
			ended = true
		case damage != nil:
			return damage
		default:
			j.size = off
		}
		return nil
	})
	if damage != nil && errors.Is(err, damage) {
		err = damage
	}
	if err != nil {
		return nil, err
	}
	st, err := j.f.Stat()
	if err != nil || st.Size() == j.size {
		return damage, err
	}
	if err := j.truncate(j.size); err != nil {
		return nil, err
	}
	return damage, j.Sync()
}

// Append writes an object as one line. If it returns an error, for example for a full disk or for NaN, the file is
// unchanged. The line survives the end of the process, and after Sync also a power failure.
func (j *JSONL) Append(object any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(object); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	line := bytes.TrimSpace(b.Bytes())
	if len(line) < 3 || line[0] != '{' {
		return fmt.Errorf("%s: a line of %.40s, want an object with a member", j.name, line)
	}
	line = sealed(line)
	if len(line) > MaxLine {
		return fmt.Errorf("%s: a line of %d bytes, want at most %d", j.name, len(line), MaxLine)
	}
	if n, err := j.f.Write(line); err != nil {
		if n > 0 {
			err = errors.Join(err, j.truncate(j.size)) // otherwise the next line would follow a partial one
		}
		return err
	}
	j.size += int64(len(line))
	return nil
}

// Sync writes the lines to the disk.
func (j *JSONL) Sync() error { return j.f.Sync() }

// Close syncs and closes the log.
func (j *JSONL) Close() error { return errors.Join(j.f.Sync(), j.f.Close()) }

// truncate ends the file at an offset, after which the next line is written.
func (j *JSONL) truncate(end int64) error {
	err := j.f.Truncate(end)
	if err == nil {
		j.size = end
	}
	return err
}

// ReadJSONL calls line with each complete line of the log of the given name in a folder, without its newline, and returns
// its first error, or ErrDamaged at the first line that is not as it was written. It skips a partial last line, so a log may
// be read while it is written. line must not keep the slice.
func ReadJSONL(dir disk.Folder, name string, line func([]byte) error) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return forEachLine(dir.Path(name), f, func(b []byte) error {
		if err := Verify(b); err != nil {
			return err
		}
		return line(b)
	})
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
