// Package datadriven runs tests that are written as text files: a command, its input, and the wanted output.
//
//	# A comment between cases, up to the end of the line.
//
//	command arg arg
//	input, any number of lines, also blank ones
//	----
//	wanted output, up to a blank line or the end of the file
//
// A test calls Run with a function that returns the output of a command. An output that contains blank lines is written
// between double separators:
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
// go test ./package -rewrite replaces the wanted outputs by the outputs of the code, and changes no other byte of the file.
// The diff of such a file is part of the review. A missing newline at the end of an output is added, so "a" and "a\n" are
// equal. Only tests may import this package, because it declares the flag. It must not know what it tests.
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

var rewrite = flag.Bool("rewrite", false, "write the outputs of the code to the files of data-driven tests")

// A Case is one command of a file.
type Case struct {
	File  string   // the path of the file
	Line  int      // the line of the command, from 1
	Cmd   string   // the first word of the command
	Args  []string // the words after it
	Input string   // the lines before ----, each with its newline
	Want  string   // the wanted output, which is empty or ends with a newline
}

// Run calls f for each case of each file that matches glob, in a subtest named file/line-command. The subtest fails if the
// result of f is not the wanted output. Run fails if no file matches glob.
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
					got := withNewline(f(t, c.Case)) // a case that ends with Fatal keeps its wanted output
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

// A chunk is a case or, if it has no command, a line between two cases.
type chunk struct {
	Case
	text string // the bytes of the file up to the output, with the line ----
	got  string
}

const separator = "----"

// parse returns the chunks of a file.
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
		for i++; !is(i, separator); i++ {
			if i == len(lines) {
				return nil, fmt.Errorf("%s:%d: %s has no line %s after it", name, c.Line, c.Cmd, separator)
			}
		}
		c.Input = strings.Join(lines[start:i], "")
		c.text = withNewline(strings.Join(lines[c.Line-1:i+1], ""))
		i++
		if is(i, separator) { // the output has blank lines
			start := i + 1
			for i++; !is(i, separator) || !is(i+1, separator); i++ {
				if i == len(lines) {
					return nil, fmt.Errorf("%s:%d: the output of %s does not end in two lines %s", name, c.Line, c.Cmd, separator)
				}
			}
			c.Want = strings.Join(lines[start:i], "")
			i += 2
		} else {
			start := i
			for i < len(lines) && lines[i] != "\n" {
				i++
			}
			c.Want = withNewline(strings.Join(lines[start:i], ""))
		}
		c.got = c.Want
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// format returns the file of chunks, with the outputs of the code.
func format(chunks []chunk) string {
	var b bytes.Buffer
	for _, c := range chunks {
		b.WriteString(c.text)
		if strings.HasPrefix(c.got, "\n") || strings.Contains(c.got, "\n\n") || strings.HasPrefix(c.got, separator+"\n") {
			fmt.Fprintf(&b, "%s\n%s%s\n%[1]s\n", separator, c.got, separator)
		} else {
			b.WriteString(c.got)
		}
	}
	return b.String()
}

// withNewline returns s with a newline at its end, unless s is empty.
func withNewline(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

// diff returns a message with both texts and the first line in which they differ.
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
