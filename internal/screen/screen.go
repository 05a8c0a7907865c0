// Package screen writes text that a person reads, so that names and messages from files cannot command a terminal.
//
//	out := screen.New(os.Stdout)
//	fmt.Fprintln(out, "a name of a file: \x1b[2J") // prints a name of a file: \x1b[2J
//	columns.CSV(screen.Data(out), n, table)        // the true bytes, unless a terminal shows them
//
// Escaped, as in a string of Go, are control characters except the newline and the tab, bytes that are no UTF-8, and the
// letters that change the direction or the line of what follows them: Unsafe has the list.
//
// This package must not know what is written.
package screen

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Unsafe reports whether a terminal may take the letter for a command or for the end of a line: a control character
// (Unicode's Cc: ESC, CR, BEL, the C1 controls), one that sets the direction of writing (Bidi_Control, such as U+202E), or
// a separator of lines or paragraphs (U+2028, U+2029). The newline and the tab are unsafe too: a Writer lets them pass.
func Unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
}

// Name returns a name on one line, with what is unsafe and the newline and the tab escaped: for a cell of a table or the
// description of a bar.
func Name(s string) string { return escape(s, false) }

// Text returns lines of text with what is unsafe escaped, as a Writer writes them.
func Text(s string) string { return escape(s, true) }

// escape returns s with what is unsafe escaped. The newline and the tab are kept if layout is set.
func escape(s string, layout bool) string {
	unsafe := func(r rune) bool { return Unsafe(r) && !(layout && (r == '\n' || r == '\t')) }
	if utf8.ValidString(s) && strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if part := s[i : i+size]; r == utf8.RuneError && size == 1 || unsafe(r) {
			quoted := strconv.QuoteToASCII(part)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(part)
		}
		i += size
	}
	return b.String()
}

// A Writer writes text to a stream with what is unsafe escaped. It is safe for concurrent use.
type Writer struct {
	mu   sync.Mutex
	w    io.Writer
	held []byte // the first bytes of a letter whose other bytes have not been written yet
}

// New returns a Writer to w, and w itself if it is a Writer.
func New(w io.Writer) *Writer {
	if s, ok := w.(*Writer); ok {
		return s
	}
	return &Writer{w: w}
}

// Write writes text. The bytes of an incomplete last letter wait for the next call.
func (s *Writer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(s.held) + string(p)
	end := complete(text)
	if _, err := io.WriteString(s.w, escape(text[:end], true)); err != nil {
		return 0, err
	}
	s.held = append(s.held[:0], text[end:]...)
	return len(p), nil
}

// Flush writes the bytes that wait for the rest of their letter.
func (s *Writer) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(s.held)
	s.held = nil
	_, err := io.WriteString(s.w, escape(text, true))
	return err
}

// complete returns the number of bytes of s without an incomplete last letter.
func complete(s string) int {
	for i := len(s) - 1; i >= max(0, len(s)-utf8.UTFMax); i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return i
			}
			break
		}
	}
	return len(s)
}

// Stream returns the stream below a Writer, and any other w itself: for control sequences of the program, such as those
// of a bar.
func Stream(w io.Writer) io.Writer {
	if s, ok := w.(*Writer); ok {
		return s.w
	}
	return w
}

// Data returns the writer for bytes that a program reads, such as CSV: the stream below, unless it is a terminal.
func Data(w io.Writer) io.Writer {
	if _, terminal := Columns(w); terminal {
		return New(w)
	}
	return Stream(w)
}

// Columns returns the width of the terminal to which w writes, 80 if it is not known, and whether it is a terminal.
func Columns(w io.Writer) (n int, terminal bool) {
	f, ok := Stream(w).(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 80, false
	}
	if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
		return n, true
	}
	return 80, true
}
