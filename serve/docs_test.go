package serve

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDocs runs the lines of docs/serve.md that call curl, in order, against a server of the models that the page starts.
func TestDocs(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs curl: ", err)
	}
	page, err := os.ReadFile("../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	lib := newLibrary(t, LibraryOptions{}, "zoo:cnn-vae", "zoo:cvae")
	if err := lib.Add(t.Context(), "faces", fromPath("zoo:face-vae")); err != nil {
		t.Fatal(err)
	}
	l := startWith(t, lib, Options{})
	dir, n := t.TempDir(), 0
	for line := range strings.Lines(string(page)) {
		args, ok := strings.CutPrefix(line, "curl ")
		if !ok {
			continue
		}
		n++
		cmd := exec.Command("sh", "-c", curl+" --fail-with-body -S "+strings.ReplaceAll(args, "http://localhost:8080", l.url))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || len(out) == 0 && !strings.Contains(args, " -o ") {
			t.Errorf("%s: %v\n%.300s", strings.TrimSpace(line), err, out)
		}
	}
	if n < 10 {
		t.Errorf("docs/serve.md has %d lines of curl", n)
	}
}
