package imago_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// formats returns the texts of the calls in a Go file that make a warning: the first literal among the arguments of a call of
// one of the names.
func formats(f *ast.File, names ...string) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch fn := call.Fun.(type) {
		case *ast.Ident:
			name = fn.Name
		case *ast.SelectorExpr:
			name = fn.Sel.Name
		}
		for _, want := range names {
			if name != want {
				continue
			}
			for _, arg := range call.Args {
				if text, ok := literal(arg); ok {
					all = append(all, text)
					break
				}
			}
		}
		return true
	})
	return all
}

// literal returns the text of a string literal.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// ruleNames returns the names that the rules of a diagnosis have in metrics.jsonl.
func ruleNames(f *ast.File) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Name" {
				if text, ok := literal(kv.Value); ok {
					all = append(all, text)
				}
			}
		}
		return true
	})
	return all
}

// hole is what stands in a format for a number, a name or an option, or between two parts of a sentence.
var hole = regexp.MustCompile(`%[-+ #0-9.\[\]]*[a-zA-Z%]|\{[A-Za-z]+\}|[:;,()]`)

// says reports whether a page has a part of a format, between two holes, by which a reader finds it.
func says(page, format string) bool {
	for _, part := range hole.Split(format, -1) {
		if part = strings.Trim(part, " /"); len(part) >= 8 && strings.Contains(page, part) {
			return true
		}
	}
	return false
}

// TestWarningsPage: docs/guide-warnings.md has each warning that training prints: of the rules of the models, by their names and
// their words, and of the data.
func TestWarningsPage(t *testing.T) {
	page := strings.ReplaceAll(strings.Join(strings.Fields(readPage(t, "docs/guide-warnings.md")), " "), "`--", "--")
	rules, texts := 0, 0
	for _, p := range packages(t) {
		var names []string
		switch top, _, _ := strings.Cut(p.path(), "/"); {
		case top == "models":
			names = []string{"Warning"}
		case top == "data":
			names = []string{"Warn"}
		default:
			continue
		}
		for name, f := range goFiles(t, p.Dir) {
			if isTest(name) {
				continue
			}
			for _, text := range formats(f, names...) {
				texts++
				if !says(page, text) {
					t.Errorf("docs/guide-warnings.md has no part of the warning %q of %s", text, p.path())
				}
			}
			if p.path() != "models/diagnose" && !strings.HasSuffix(name, "diagnostics.go") {
				continue
			}
			for _, rule := range ruleNames(f) {
				rules++
				if !strings.Contains(page, "(`"+rule+"`)") {
					t.Errorf("docs/guide-warnings.md has no rule `%s`", rule)
				}
			}
		}
	}
	t.Logf("%d rules, %d warnings", rules, texts)
	if rules < 15 || texts < 40 {
		t.Errorf("%d rules and %d warnings found in the code: the test looks in the wrong place", rules, texts)
	}
}
