package screen

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWriter(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"epoch 1/3\tloss 1\n", "epoch 1/3\tloss 1\n"},
		{"Läufe 日本 👩‍👩‍👧", "Läufe 日本 👩‍👩‍👧"},
		{"\x1b[2J\x1b]0;title\a", `\x1b[2J\x1b]0;title\a`},
		{"old\rnew\b\x00\x7f", `old\rnew\b\x00\x7f`},
		{"\u009b31m\u0085", `\u009b31m\u0085`},
		{"\x9b31m\xff", `\x9b31m\xff`},
		{"a\u202egnp.exe\u2066\u2069\u200e\u061c\u2028", `a\u202egnp.exe\u2066\u2069\u200e\u061c\u2028`},
		{"\xe6\x97", `\xe6\x97`},
	} {
		var b bytes.Buffer
		w := New(&b)
		for i := range len(c.in) { // letters come in parts
			if n, err := w.Write([]byte{c.in[i]}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if w.Flush(); b.String() != c.want {
			t.Errorf("%q byte by byte is %q, want %q", c.in, b.String(), c.want)
		}
		b.Reset()
		if fmt.Fprint(w, c.in); w.Flush() != nil || b.String() != c.want {
			t.Errorf("%q is %q, want %q", c.in, b.String(), c.want)
		}
	}
}

func TestName(t *testing.T) {
	if got, want := Name("a\tb\nc\x1b\\"), `a\tb\nc\x1b\`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Data of a file have their true bytes, and a second Writer escapes nothing twice.
func TestData(t *testing.T) {
	var b bytes.Buffer
	w := New(&b)
	fmt.Fprint(Data(w), "\x1b")
	fmt.Fprint(Stream(w), "\r")
	fmt.Fprint(New(w), "\x1b")
	if got, want := b.String(), "\x1b\r"+`\x1b`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("a\x1b[31m\n", 3)
	f.Add("日\x9b", 1)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		var b bytes.Buffer
		w := New(&b)
		cut = max(0, min(cut, len(s)))
		fmt.Fprint(w, s[:cut])
		fmt.Fprint(w, s[cut:])
		w.Flush()
		if got := b.String(); got != escape(s, true) || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return Unsafe(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%q is %q", s, got)
		}
	})
}
