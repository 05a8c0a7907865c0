package studio

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train/runlog"
)

// A logFile is the log of a run, read only as far as it has grown. It keeps where lines begin, not the lines: of a million
// lines a few are decoded.
type logFile struct {
	dir    disk.Folder
	at     int64   // the end of what was read: of a whole line
	mark   []byte  // the bytes before at, by which a log is known that was cut and has grown again
	steps  []int64 // where lines of steps begin
	epochs []int64 // where lines of epochs begin
}

const (
	chunk      = 1 << 20 // bytes that are read at a time
	markLength = 64      // of a mark: the checksum of a line and what is before it
)

// The beginnings of lines, as imago writes them.
var (
	stepStart     = []byte(`{"kind":"` + runlog.StepLine + `"`)
	epochStart    = []byte(`{"kind":"` + runlog.EpochLine + `"`)
	intervalStart = []byte(`{"kind":"` + runlog.IntervalLine + `"`)
)

// kindOf returns the kind of a line.
func kindOf(line []byte) string {
	switch {
	case bytes.HasPrefix(line, stepStart):
		return runlog.StepLine
	case bytes.HasPrefix(line, epochStart):
		return runlog.EpochLine
	case bytes.HasPrefix(line, intervalStart):
		return runlog.IntervalLine
	}
	var l struct {
		Kind string `json:"kind"`
	}
	_ = json.Unmarshal(line, &l) // what is no line is found to be damaged when it is decoded
	return l.Kind
}

// decodeLine returns a line of a log, if its bytes are those that were written.
func decodeLine(b []byte) (l runlog.Line, err error) {
	if err = atomicfile.Verify(b); err == nil {
		err = json.Unmarshal(b, &l)
	}
	return l, err
}

// read calls line with each line that is new; forget before that if the log is not that which was read before, but for what was
// appended: the lines are then all there are. A log that is not there has no lines. line must not keep the bytes.
func (l *logFile) read(forget func(), line func(kind string, b []byte) error) error {
	f, err := l.dir.Open(runlog.MetricsFile)
	if errors.Is(err, fs.ErrNotExist) {
		if l.at > 0 {
			forget()
		}
		*l = logFile{dir: l.dir}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if l.at > 0 && !l.goesOn(f) {
		forget()
		*l = logFile{dir: l.dir}
	}
	if _, err := f.Seek(l.at, io.SeekStart); err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	buf := make([]byte, 0, min(chunk, max(0, st.Size()-l.at)+1)) // mostly of a line: a log is read as it grows
	for {
		if len(buf) == cap(buf) { // a line that is longer than a chunk
			if len(buf) >= atomicfile.MaxLine {
				return errors.New("a line of the log is longer than imago writes any")
			}
			buf = append(make([]byte, 0, max(2*cap(buf), 1<<10)), buf...)
		}
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		used, fault := l.lines(buf, line)
		if fault != nil {
			return fault
		}
		buf = append(buf[:0], buf[used:]...)
		switch {
		case err == io.EOF || n == 0 && err == nil:
			return nil
		case err != nil:
			return err
		}
	}
}

// goesOn reports whether a file still has what was read of it.
func (l *logFile) goesOn(f disk.File) bool {
	b := make([]byte, len(l.mark))
	_, err := f.ReadAt(b, l.at-int64(len(b)))
	return (err == nil || err == io.EOF) && bytes.Equal(b, l.mark)
}

// lines takes the whole lines in b, which begins at l.at, and returns how many bytes they are.
func (l *logFile) lines(b []byte, line func(kind string, b []byte) error) (used int, err error) {
	for {
		n := bytes.IndexByte(b[used:], '\n')
		if n < 0 {
			break
		}
		one := b[used : used+n]
		kind := kindOf(one)
		if err := line(kind, one); err != nil {
			return used, err
		}
		switch kind {
		case runlog.StepLine:
			l.steps = append(l.steps, l.at)
		case runlog.EpochLine:
			l.epochs = append(l.epochs, l.at)
		}
		used += n + 1
		l.at += int64(n) + 1
	}
	if used > 0 {
		l.mark = append(l.mark[:0], b[max(0, used-markLength):used]...)
	}
	return used, nil
}

// lineAt decodes the line that begins at a place of an open log.
func lineAt(f disk.File, at int64) (runlog.Line, error) {
	for size := 2 << 10; ; size *= 8 {
		b := make([]byte, size)
		n, err := f.ReadAt(b, at)
		if end := bytes.IndexByte(b[:n], '\n'); end >= 0 {
			return decodeLine(b[:end])
		}
		if err != nil || size > atomicfile.MaxLine {
			return runlog.Line{}, errors.Join(err, errors.New("the log has changed"))
		}
	}
}
