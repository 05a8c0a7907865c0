package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/train/runlog"
)

// TestPrintNextSteps checks that each printed command is a valid command line.
func TestPrintNextSteps(t *testing.T) {
	t.Setenv("CI", "true") // no browser
	var out bytes.Buffer
	a := newApp(&out, io.Discard)
	a.printNextSteps(&runlog.Run{Dir: "runs/cnn-vae-digits-001", Config: runlog.Config{Epochs: 4}})
	commands := 0
	for line := range strings.Lines(out.String()) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), "   ")
		words := strings.Fields(command)
		if len(words) == 0 || words[0] != "imago" {
			continue
		}
		commands++
		c, rest, err := a.root().Find(words[1:])
		if err == nil {
			err = c.ParseFlags(rest)
		}
		if err == nil {
			err = c.ValidateArgs(c.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	if commands != 4 || !strings.Contains(out.String(), "/runs/cnn-vae-digits-001/report.html\n") {
		t.Errorf("%d commands, want 4 and the address of the report:\n%s", commands, &out)
	}
}

// TestCommandHint checks the explanation of the word imago for a user who has none on the PATH.
func TestCommandHint(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if got := commandHint("/tmp/go-build123/b001/exe/imago"); !strings.HasPrefix(got, "imago means go run ./cmd/imago here; go install ./cmd/imago ") {
		t.Errorf("by go run: %q", got)
	}
	if got := commandHint("./imago"); !strings.HasPrefix(got, "imago means ./imago here") {
		t.Errorf("by its path: %q", got)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "imago"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := commandHint("/tmp/go-build123/b001/exe/imago"); got != "" {
		t.Errorf("on the PATH: %q", got)
	}
}
