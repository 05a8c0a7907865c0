package site

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// htmlAllowed is the HTML of a page that is written as it is: a picture with a width and a text, which Markdown cannot say, and a
// break within a cell of a table.
var htmlAllowed = regexp.MustCompile(`^(<img src="[a-z0-9-]+\.(png|gif)" width="[0-9]+" alt="[^"<>]*">|<br>)$`)

// A rawRenderer writes the HTML of a page that is allowed and leaves out the rest: comments above all.
type rawRenderer struct{}

// RegisterFuncs says which nodes it writes.
func (r rawRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHTMLBlock, func(w util.BufWriter, b []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var text strings.Builder
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			text.Write(line.Value(b))
		}
		return ast.WalkContinue, writeAllowed(w, text.String())
	})
	reg.Register(ast.KindRawHTML, func(w util.BufWriter, b []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkSkipChildren, nil
		}
		var text strings.Builder
		raw := n.(*ast.RawHTML)
		for i := range raw.Segments.Len() {
			segment := raw.Segments.At(i)
			text.Write(segment.Value(b))
		}
		return ast.WalkSkipChildren, writeAllowed(w, text.String())
	})
}

// writeAllowed writes text if it is allowed.
func writeAllowed(w util.BufWriter, text string) error {
	if text = strings.TrimSpace(text); htmlAllowed.MatchString(text) {
		_, err := w.WriteString(text)
		return err
	}
	return nil
}

// anchors gives headings the anchors that code hosts give them: the letters and digits of the heading, small, with - for spaces.
type anchors struct{ used map[string]bool }

// Generate returns the anchor of a heading, with a number if it is taken.
func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(string(value))) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	id := b.String()
	for n := 1; a.used[id]; n++ {
		id = b.String() + "-" + strconv.Itoa(n)
	}
	a.used[id] = true
	return []byte(id)
}

// Put notes that an anchor is taken.
func (a *anchors) Put(value []byte) { a.used[string(value)] = true }
