package cli

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/train/runlog"
)

// TestFirstRuns checks the row of each medium: its recipe takes its options and the items of its set, which imago draws,
// and each command that it prints is a valid command line.
func TestFirstRuns(t *testing.T) {
	t.Setenv("CI", "true") // no browser
	for _, first := range firstRuns {
		var out bytes.Buffer
		a := newApp(&out, io.Discard)
		rec, cfg, err := a.configure(first.recipe, first.modelFlags())
		if err != nil {
			t.Fatalf("%s: %v", first.medium, err)
		}
		set, err := a.Data.Open(t.Context(), first.data, data.Options{Offline: true, NoCache: true, Limit: 100})
		if err != nil {
			t.Fatalf("%s: %v", first.medium, err)
		}
		config, err := runlog.NewConfig(rec, cfg, set, first.data, data.Options{Limit: 100})
		if err != nil {
			t.Fatalf("%s: %v", first.medium, err)
		}
		if _, err := config.Build(&a.Models); err != nil {
			t.Errorf("%s: %v", first.medium, err)
		}
		if got := set.Item().Medium.Name(); got != cmp.Or(first.items, first.medium) {
			t.Errorf("--medium %s trains on items of medium %s", first.medium, got)
		}
		a.printNextSteps(&runlog.Run{Dir: "runs/first-001", Config: runlog.Config{Epochs: first.epochs}}, first)
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
		if commands < 3 || first.epochs < 1 || !strings.Contains(out.String(), "/runs/first-001/report.html\n") {
			t.Errorf("%s: %d commands, want 3 or more, epochs, and the address of the report:\n%s", first.medium, commands, &out)
		}
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
