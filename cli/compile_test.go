package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what imago compile prints into docs/engine.md")

// TestEngineDump checks that the example in docs/engine.md is what the command prints. A block of text that begins
// with the title of a pass, up to its colon, is that part of the dump. The page has all parts except the first, the
// file itself.
//
//	go test ./cli -run TestEngineDump -rewrite
//
// writes them into the page.
func TestEngineDump(t *testing.T) {
	const doc, example, fence = "../docs/engine.md", "testdata/step.graph", "```"
	parts := map[string]string{}
	for i, part := range strings.Split(compileOutput(t, example, "--dump", "--threads", "2"), "\n\n") {
		written, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if want := "# as written\n" + strings.TrimSpace(string(written)); part != want {
				t.Errorf("%s is not in the printed form: got\n%s\nwant\n%s", example, part, want)
			}
			continue
		}
		parts[partTitle(part)] = strings.TrimSpace(part) + "\n"
	}
	old, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(old), fence)
	for i := 1; i < len(blocks); i += 2 {
		info, text, _ := strings.Cut(blocks[i], "\n")
		want, ok := parts[partTitle(text)]
		if !ok {
			continue
		}
		delete(parts, partTitle(text))
		if text != want && !*rewrite {
			t.Errorf("%s: the block %q is not what imago compile prints (-rewrite takes it):\n%s", doc, partTitle(text), want)
		}
		blocks[i] = info + "\n" + want
	}
	for title := range parts {
		t.Errorf("%s has no block that begins with %q", doc, title)
	}
	if text := strings.Join(blocks, fence); *rewrite && text != string(old) {
		if err := os.WriteFile(doc, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// partTitle returns the first line of a part, up to its colon: # simplify.
func partTitle(part string) string {
	line, _, _ := strings.Cut(part, "\n")
	title, _, _ := strings.Cut(line, ":")
	return title
}

// compileOutput returns the output of imago compile.
func compileOutput(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run(context.Background(), append([]string{"compile"}, args...), &out, &errs); status != 0 {
		t.Fatalf("imago compile %v: exit status %d: %s", args, status, &errs)
	}
	return out.String()
}
