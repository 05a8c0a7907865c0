package imago_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
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

// says reports whether a page has a part of a format, between two holes, by which a reader finds it; of a format of short parts
// alone it must have all.
func says(page, format string) bool {
	all := true
	for _, part := range hole.Split(format, -1) {
		part = strings.Trim(part, " /")
		found := strings.Contains(page, part)
		if len(part) >= 8 && found {
			return true
		}
		all = all && found && len(part) < 8
	}
	return all
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

var (
	comment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	altText   = regexp.MustCompile(`<img[^>]*alt="([^"]*)"[^>]*>`)
	file      = regexp.MustCompile(`\[[^\]\s]*[./][^\]\s]*\]\([^)]*\)`) // a link whose text is a path
	linked    = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	inCode    = regexp.MustCompile("`[^`]*`")
	itemStart = regexp.MustCompile(`^([-*]|[0-9]+\.) `)
	word      = regexp.MustCompile(`[\p{L}\p{M}\p{N}]+(['’][\p{L}]+)?`)
	sentence  = regexp.MustCompile(`[.!?][")*]*(\s+|$)`)
)

// paragraphs returns the paragraphs and items of lists of a page, without code, addresses and marks of links, and apart from them
// its headings and the cells of its tables.
func paragraphs(t *testing.T, name string) (text, others []string) {
	t.Helper()
	_, prose := blocks(t, name)
	prose = altText.ReplaceAllString(comment.ReplaceAllString(prose, ""), "$1.")
	var open []string
	end := func() {
		if len(open) > 0 {
			text = append(text, strings.Join(open, " "))
		}
		open = nil
	}
	for line := range strings.Lines(prose) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			end()
		case line[0] == '#' || line[0] == '|':
			end()
			others = append(others, line)
		default:
			if itemStart.MatchString(line) {
				end()
				line = itemStart.ReplaceAllString(line, "")
			}
			open = append(open, line)
		}
	}
	end()
	for _, list := range [][]string{text, others} {
		for i, s := range list {
			list[i] = linked.ReplaceAllString(file.ReplaceAllString(inCode.ReplaceAllString(s, "X"), "X"), "$1")
		}
	}
	return text, others
}

const (
	meanWords = 22 // of the sentences of a page: CONTRIBUTING.md states both
	mostWords = 45 // of one sentence
)

// TestPageSentences: the sentences of a page are short enough to be understood at first reading. Tables are no sentences.
func TestPageSentences(t *testing.T) {
	for _, name := range pages(t) {
		if name == "CHANGELOG.md" {
			continue // entries, not sentences
		}
		text, _ := paragraphs(t, name)
		sum, n := 0, 0
		for _, p := range text {
			for _, s := range sentence.Split(p, -1) {
				words := 0
				for _, w := range strings.Fields(s) {
					if word.MatchString(w) {
						words++
					}
				}
				if words == 0 {
					continue
				}
				if sum, n = sum+words, n+1; words > mostWords {
					t.Errorf("%s: a sentence of %d words, want at most %d: %s", name, words, mostWords, s)
				}
			}
		}
		if mean := float64(sum) / float64(max(1, n)); mean > meanWords {
			t.Errorf("%s: %.1f words a sentence, want at most %d", name, mean, meanWords)
		}
	}
}

// TestPageHeadings: a page has one title, in its first line, no level is left out, no two headings have one anchor, and none ends
// as a sentence.
func TestPageHeadings(t *testing.T) {
	for _, name := range pages(t) {
		_, prose := blocks(t, name)
		level, anchors := 0, map[string]bool{}
		for _, m := range heading.FindAllStringSubmatch(prose, -1) {
			now := strings.Index(m[0], " ")
			switch {
			case level == 0 && (now != 1 || !strings.HasPrefix(prose, m[0])):
				t.Errorf("%s: the first line is no title, but there is %q", name, m[0])
			case level > 0 && (now == 1 || now > level+1):
				t.Errorf("%s: %q comes below a heading of level %d", name, m[0], level)
			case name != "CHANGELOG.md" && anchors[slug(m[1])]: // each version has its Changed and Added
				t.Errorf("%s: %q is there twice", name, m[0])
			case strings.HasSuffix(m[1], ".") || strings.HasSuffix(m[1], ":"):
				t.Errorf("%s: %q ends as a sentence", name, m[0])
			}
			level, anchors[slug(m[1])] = now, true
		}
		if level == 0 {
			t.Errorf("%s has no heading", name)
		}
	}
}

// TestPageSpelling: each word of the pages is in hunspell's British dictionary or in docs/words.txt, which has the words of the
// field, names and abbreviations; and that file has no others.
func TestPageSpelling(t *testing.T) {
	if _, err := exec.LookPath("hunspell"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v, and CI has it", err)
		}
		t.Skip("hunspell is not installed: apt-get install hunspell hunspell-en-gb")
	}
	on := map[string]string{} // the first page that has a word
	for _, name := range pages(t) {
		text, others := paragraphs(t, name)
		for _, w := range word.FindAllString(strings.Join(append(text, others...), "\n"), -1) {
			w = strings.TrimSuffix(strings.ReplaceAll(w, "’", "'"), "'s")
			if _, known := on[w]; !known && len(w) > 1 && !strings.ContainsFunc(w, unicode.IsNumber) {
				on[w] = name
			}
		}
	}
	var in bytes.Buffer
	for w := range on {
		in.WriteString(w + "\n")
	}
	cmd := exec.Command("hunspell", "-l", "-i", "UTF-8", "-d", "en_GB")
	cmd.Stdin, cmd.Env = &in, append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(readPage(t, "docs/words.txt"))
	if !slices.IsSorted(list) {
		t.Error("docs/words.txt is not sorted by bytes")
	}
	used := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		w := lines.Text()
		if used[w] = true; !slices.Contains(list, w) {
			t.Errorf("%s: %q is spelled wrong; if it is a term, it belongs in docs/words.txt", on[w], w)
		}
	}
	for _, w := range list {
		if !used[w] {
			t.Errorf("docs/words.txt: %q is on no page, or in the dictionary", w)
		}
	}
	t.Logf("%d different words, %d of them terms", len(on), len(list))
}
