package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A table is rows of text below a header. Columns of numbers are aligned to the right.
type table struct {
	header []string
	rows   [][]string
}

// add appends a row.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write prints the table with spaces between columns, or as Markdown.
func (t *table) write(w io.Writer, markdown bool) error {
	width, right := make([]int, len(t.header)), make([]bool, len(t.header))
	for i, h := range t.header {
		width[i], right[i] = utf8.RuneCountInString(h), true
		for _, r := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(r[i]))
			right[i] = right[i] && (r[i] == "" || strings.ContainsAny(r[i][:1], "-0123456789"))
		}
	}
	var b strings.Builder
	line := func(cells []string) {
		var parts []string
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if right[i] {
				parts = append(parts, pad+c)
			} else {
				parts = append(parts, c+pad)
			}
		}
		if markdown {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(parts, " | "))
		} else {
			b.WriteString(strings.TrimRight(strings.Join(parts, "  "), " ") + "\n")
		}
	}
	line(t.header)
	if markdown {
		var rule []string
		for i, n := range width {
			if right[i] {
				rule = append(rule, strings.Repeat("-", n+1)+":")
			} else {
				rule = append(rule, strings.Repeat("-", n+2))
			}
		}
		fmt.Fprintf(&b, "|%s|\n", strings.Join(rule, "|"))
	}
	for _, r := range t.rows {
		line(r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
