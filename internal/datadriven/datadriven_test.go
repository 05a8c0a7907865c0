package datadriven

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func command(t *testing.T, c Case) string {
	lines := strings.Split(strings.TrimSuffix(c.Input, "\n"), "\n")
	switch c.Cmd {
	case "upper":
		return strings.ToUpper(c.Input)
	case "join":
		return strings.Join(lines, strings.Join(c.Args, "")) // without a newline at the end, which Run adds
	case "double":
		return strings.Join(lines, "\n\n") + "\n\n"
	case "dashes":
		return "----\nx\n"
	}
	t.Fatalf("no command %q", c.Cmd)
	return ""
}

func TestRun(t *testing.T) {
	ran := 0
	Run(t, "testdata/*.txt", func(t *testing.T, c Case) string { ran++; return command(t, c) })
	if ran != 5 {
		t.Errorf("%d cases ran, want 5", ran)
	}
}

// Rewriting a file with wrong outputs gives the file of testdata with all its comments. Rewriting that file changes no byte.
func TestRewrite(t *testing.T) {
	want, err := os.ReadFile("testdata/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.NewReplacer("ONE", "one\nmore", "a,;,;b\n", "", "\na\n\nb\n\n----", "\n\n\n----").Replace(string(want))
	name := filepath.Join(t.TempDir(), "a.txt")
	for range 2 {
		if err := os.WriteFile(name, []byte(wrong), 0o644); err != nil {
			t.Fatal(err)
		}
		flag.Set("rewrite", "true")
		Run(t, name, command)
		flag.Set("rewrite", "false")
		got, err := os.ReadFile(name)
		if err != nil || string(got) != string(want) {
			t.Fatalf("rewritten:\n%s\n%v; want\n%s", got, err, want)
		}
		wrong = string(got)
	}
}

func TestParse(t *testing.T) {
	chunks, err := parse("f", "# c\n\ncmd a  b\nin\n----\nout")
	if err != nil || len(chunks) != 3 {
		t.Fatalf("%d chunks, %v; want 3", len(chunks), err)
	}
	c := chunks[2].Case
	if c.Line != 3 || c.Cmd != "cmd" || strings.Join(c.Args, ",") != "a,b" || c.Input != "in\n" || c.Want != "out\n" {
		t.Errorf("case %+v", c)
	}
	for file, want := range map[string]string{
		"\ncmd\nin\n":                    "f:2: cmd has no line ---- after it",
		"cmd\n----\n----\na\n----\nb":    "f:1: the output of cmd does not end in two lines ----",
		"cmd\r\n----\r\n":                "f: has a carriage return; want lines ended by a newline alone",
		"# only\ncmd\n----\nx\n\ncmd2\n": "f:6: cmd2 has no line ---- after it",
	} {
		if _, err := parse("f", file); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", file, err, want)
		}
	}
}

func TestDiff(t *testing.T) {
	for _, tt := range []struct{ got, want, first string }{
		{"a\nb\n", "a\nc\n", `line 2: got "b\n", want "c\n"`},
		{"a\n", "a\nb\n", `line 2: got the end, want "b\n"`},
		{"", "a\n", `line 1: got the end, want "a\n"`},
	} {
		if got, _, _ := strings.Cut(diff(tt.got, tt.want), "\n"); got != tt.first {
			t.Errorf("%q, %q: %s, want %s", tt.got, tt.want, got, tt.first)
		}
	}
}
