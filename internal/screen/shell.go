package screen

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ShellName returns the name of a file, run or recipe as one word of a command line of a POSIX shell, for commands that
// a message proposes. A hyphen at its start, which would begin an option, gets ./ before it; the name - alone is
// standard input, and stays.
func ShellName(name string) string {
	if strings.HasPrefix(name, "-") && name != "-" {
		name = "./" + name
	}
	return ShellWord(name)
}

// ShellWord returns text as one word of a command line of a POSIX shell: in quotes if the shell gives a letter of it a
// meaning, with octal numbers in $'…' if a terminal does.
func ShellWord(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, Unsafe) {
		return "$'" + octal(s) + "'"
	}
	special := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./:,+@%=", r))
	}
	if s != "" && s[0] != '=' && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// octal returns text as between $' and ' of a shell: letters that are not ASCII, controls, quotes and backslashes are
// octal numbers.
func octal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\'' || c == '\\' {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
