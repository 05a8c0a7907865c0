package imago_test

import (
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// retired are the words that the project once had for what the field names otherwise: docs/glossary.md says what
// stands in their place. They are no names anywhere, in any form: told stands for toldOf and isTold too.
var retired = strings.Fields(`
	telling fooling told reluctant off-one verdict judge player surprisal likeness
	scene lesson weigher beginner begun
	course contest symptom artist gauge pass-over
	ruler strand twin`)

// retiredIn are words that mean something else elsewhere.
var retiredIn = map[string][]string{
	"models/gan":    strings.Fields("standing game turn play reader apart slope missed informed learned"),
	"models/vae":    strings.Fields("design rise match few scored goal clustered quantized stacked generative"),
	"train":         strings.Fields("suits"),
	"analysis/eval": strings.Fields("subject eye seen cloud stretch meet"),
	"engine/cpu":    strings.Fields("anchor"),
}

// retiredInProse are those that no comment needs in another sense either.
var retiredInProse = regexp.MustCompile(`(?i)\b(telling|fooling|reluctant|verdicts?|surprisal|weighers?|beginners?|lessons?|contests?|symptoms?|artists?|strands?)\b`)

// words splits a name: toldOf is told and of.
func words(name string) []string {
	var all []string
	start := 0
	runes := []rune(name)
	for i, r := range runes {
		if i > start && (unicode.IsUpper(r) && !unicode.IsUpper(runes[i-1]) || r == '_') {
			all = append(all, strings.ToLower(strings.Trim(string(runes[start:i]), "_")))
			start = i
		}
	}
	return append(all, strings.ToLower(strings.Trim(string(runes[start:]), "_")))
}

// retiredName returns the retired word in a name, or "".
func retiredName(name string, list []string) string {
	have := words(name)
	for _, w := range list {
		parts := strings.Split(w, "-")
		for i := range have {
			if i+len(parts) <= len(have) && slices.Equal(have[i:i+len(parts)], parts) {
				return w
			}
		}
	}
	return ""
}

// TestRetiredWords: the code speaks the field's language.
func TestRetiredWords(t *testing.T) {
	for _, p := range packages(t) {
		list := append(slices.Clone(retired), retiredIn[p.path()]...)
		for name, f := range goFiles(t, p.Dir) {
			rel, _ := filepath.Rel(mustAbs(t, "."), name)
			ast.Inspect(f, func(n ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok || id.Obj == nil && !declares(f, id) {
					return true
				}
				if w := retiredName(id.Name, list); w != "" {
					t.Errorf("%s: the name %s has the retired word %q: see docs/glossary.md", rel, id.Name, w)
				}
				return true
			})
			if filepath.Base(name) == "words_test.go" {
				continue
			}
			for _, g := range f.Comments {
				if w := retiredInProse.FindString(g.Text()); w != "" {
					t.Errorf("%s: a comment has the retired word %q: see docs/glossary.md", rel, w)
				}
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "of" {
					t.Errorf("%s: a function named of: name it by what it returns", rel)
				}
			}
		}
	}
}

// declares reports whether id is the name of a declaration of f: of a function, method, type, field or value.
func declares(f *ast.File, id *ast.Ident) bool {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name == id {
				return true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok && d.Tok == token.TYPE && ts.Name == id {
					return true
				}
			}
		}
	}
	return false
}

func TestWords(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"toldOf", "told"}, {"isTold", "told"}, {"offOneLoss", "off-one"}, {"untold", ""}, {"generatorLoss", ""}, {"Judge", "judge"},
	} {
		if got := retiredName(tt.name, retired); got != tt.want {
			t.Errorf("%s has %q, want %q", tt.name, got, tt.want)
		}
	}
}

// mostStates is the largest share of functions whose comment says what they are in place of what they do.
const mostStates = 0.10

// TestCommentsBeginWithAVerb: a function's comment is its name and what it does.
func TestCommentsBeginWithAVerb(t *testing.T) {
	functions, states, unnamed := 0, 0, 0
	for _, p := range packages(t) {
		for name, f := range goFiles(t, p.Dir) {
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Doc == nil {
					continue
				}
				functions++
				switch first := strings.Fields(fn.Doc.Text()); {
				case len(first) < 2 || strings.TrimRight(first[0], ":,") != fn.Name.Name:
					if !isTest(name) && ast.IsExported(fn.Name.Name) {
						unnamed++
						t.Errorf("%s: the comment of %s does not begin with its name", name, fn.Name.Name)
					}
				case slices.Contains([]string{"is", "are", "was"}, first[1]):
					states++
				}
			}
		}
	}
	t.Logf("of %d comments of functions %d say what the function is", functions, states)
	if share := float64(states) / float64(max(1, functions)); share > mostStates {
		t.Errorf("of %d comments of functions %d (%.0f %%) say what the function is, not what it does: want at most %.0f %%", functions, states, 100*share, 100*mostStates)
	}
}

const (
	subjectLength = 72
	subjectsSince = "fef58334479167fe96bdd5e055eed02368de7431" // the last commit before the rule
)

// TestCommitSubjects: the subject of a commit says what changes in at most 72 characters.
func TestCommitSubjects(t *testing.T) {
	if err := exec.Command("git", "cat-file", "-e", subjectsSince).Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no history here, and CI has it: %v", err)
		}
		t.Skip("no history here: a copy without git, or a shallow one")
	}
	out, err := exec.Command("git", "log", "--no-merges", "--format=%s", subjectsSince+"..HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	for s := range strings.Lines(string(out)) {
		if s = strings.TrimSuffix(s, "\n"); utf8.RuneCountInString(s) > subjectLength {
			t.Errorf("the subject of a commit has %d characters, want at most %d: %s", utf8.RuneCountInString(s), subjectLength, s)
		}
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
