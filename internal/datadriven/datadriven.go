// Package datadriven runs tests written as text: a command, its input, and the output that is wanted.
//
//	# A comment, up to the end of the line; it stands between cases.
//
//	command arg arg
//	input, any number of lines, blank ones too
//	----
//	wanted output, up to a blank line or the end of the file
//
// An output that itself holds blank lines stands between doubled marks:
//
//	command
//	----
//	----
//	first paragraph
//
//	second paragraph
//	----
//	----
//
// go test ./package -rewrite writes what the code now gives in place of what was wanted and leaves every other byte of
// the file as it is; the diff of such a file is part of the review. The end of an output's last line is added if it is
// missing, so "a" and "a\n" are the same. This package is for tests only (it declares the flag) and knows nothing of
// what it tests.
package datadriven

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the code gives into the files of data-driven tests")

// A Case is one command of a file.
type Case struct {
	File  string   // path of the file
	Line  int      // line of the command, from 1
	Cmd   string   // first word of the command
	Args  []string // the words after it
	Input string   // the lines before ----, each ended by a newline
	Want  string   // the output the file gives; empty or ended by a newline
}

// Run calls f for each case of each file that matches glob, as a subtest named file/line-command, and fails where what
// f returns is not what the file wants. A glob that matches nothing fails.
func Run(t *testing.T, glob string, f func(t *testing.T, c Case) string) {
	t.Helper()
	names, err := filepath.Glob(glob)
	if err != nil || len(names) == 0 {
		t.Fatalf("datadriven: %s: no such file (%v)", glob, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			chunks, err := parse(name, string(b))
			if err != nil {
				t.Fatal(err)
			}
			for i := range chunks {
				c := &chunks[i]
				if c.Cmd == "" {
					continue
				}
				t.Run(fmt.Sprintf("%d-%s", c.Line, c.Cmd), func(t *testing.T) {
					got := ended(f(t, c.Case)) // a case that ends in Fatal keeps what it wanted
					if !*rewrite && got != c.Want {
						t.Errorf("%s:%d: %s\n%s", c.File, c.Line, c.Cmd, diff(got, c.Want))
					}
					c.got = got
				})
			}
			if *rewrite {
				if out := format(chunks); out != string(b) {
					if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// A chunk is a case, or, when it has no command, the lines between two.
type chunk struct {
	Case
	text string // the file's own bytes up to the output, the ---- line included
	got  string
}

const mark = "----"

// parse cuts a file into chunks; format puts them together again.
func parse(name, file string) ([]chunk, error) {
	if strings.Contains(file, "\r") {
		return nil, fmt.Errorf("%s: has a carriage return; want lines ended by a newline alone", name)
	}
	lines := strings.SplitAfter(file, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	is := func(i int, s string) bool { return i < len(lines) && strings.TrimSuffix(lines[i], "\n") == s }
	var chunks []chunk
	for i := 0; i < len(lines); {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			chunks = append(chunks, chunk{text: lines[i]})
			i++
			continue
		}
		words := strings.Fields(line)
		c := chunk{Case: Case{File: name, Line: i + 1, Cmd: words[0], Args: words[1:]}}
		start := i + 1
		for i++; !is(i, mark); i++ {
			if i == len(lines) {
				return nil, fmt.Errorf("%s:%d: %s has no line %s after it", name, c.Line, c.Cmd, mark)
			}
		}
		c.Input = strings.Join(lines[start:i], "")
		c.text = ended(strings.Join(lines[c.Line-1:i+1], ""))
		i++
		if is(i, mark) { // the output has blank lines
			start := i + 1
			for i++; !is(i, mark) || !is(i+1, mark); i++ {
				if i == len(lines) {
					return nil, fmt.Errorf("%s:%d: the output of %s does not end in two lines %s", name, c.Line, c.Cmd, mark)
				}
			}
			c.Want = strings.Join(lines[start:i], "")
			i += 2
		} else {
			start := i
			for i < len(lines) && lines[i] != "\n" {
				i++
			}
			c.Want = ended(strings.Join(lines[start:i], ""))
		}
		c.got = c.Want
		chunks = append(chunks, c)
	}
	return chunks, nil
}

func format(chunks []chunk) string {
	var b bytes.Buffer
	for _, c := range chunks {
		b.WriteString(c.text)
		if strings.HasPrefix(c.got, "\n") || strings.Contains(c.got, "\n\n") || strings.HasPrefix(c.got, mark+"\n") {
			fmt.Fprintf(&b, "%s\n%s%s\n%[1]s\n", mark, c.got, mark)
		} else {
			b.WriteString(c.got)
		}
	}
	return b.String()
}

func ended(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

// diff shows both texts and points at the first line where they part.
func diff(got, want string) string {
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	at := func(s []string) string {
		if i < len(s) && s[i] != "" {
			return fmt.Sprintf("%q", s[i])
		}
		return "the end"
	}
	return fmt.Sprintf("line %d: got %s, want %s\ngot:\n%swant:\n%s(-rewrite takes the output as it is)", i+1, at(g), at(w), got, want)
}
