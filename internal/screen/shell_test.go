package screen

import (
	"os/exec"
	"testing"
)

func TestShellName(t *testing.T) {
	for name, want := range map[string]string{
		"runs/cnn-vae-mnist-001": "runs/cnn-vae-mnist-001",
		"-":                      "-",
		"-rf":                    "./-rf",
		"my run; rm -rf ~":       "'my run; rm -rf ~'",
		"$(x)":                   "'$(x)'",
		"~":                      "'~'",
		"it's":                   `'it'\''s'`,
		"":                       "''",
		"a*b":                    "'a*b'",
		"runs[1]":                "'runs[1]'",
		"Läufe":                  "'Läufe'",
		"a\x1b[2J\n'\\":          `$'a\033[2J\012\047\134'`,
		"\xff":                   `$'\377'`,
		"a\u202eb":               `$'a\342\200\256b'`,
	} {
		if got := ShellName(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// A shell takes the quoted name for one word: the name itself.
func TestShellWord(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, name := range []string{"a b", "$HOME", "`id`", "a\nb\n", "it's", "\"", "\\", "!x", "#", "*", "?[a-z]", "{a,b}", "a=b", "\x1b[2J", "\xff\xfe", "\u202e", "\x7f", "日本", ""} {
		b, err := exec.Command(bash, "-c", "printf %s "+ShellWord(name)).Output()
		if err != nil || string(b) != name {
			t.Errorf("%q is %q in a shell, %v", name, b, err)
		}
	}
}
