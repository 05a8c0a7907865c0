package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/imago-ml/imago/train"
)

// What is said at the end can be typed as it stands.
func TestWhatNext(t *testing.T) {
	t.Setenv("CI", "true") // no browser
	var out bytes.Buffer
	a := newApp(&out, io.Discard)
	a.whatNext(&train.Run{Dir: "runs/cnn-vae-digits-001", Config: train.Config{Epochs: 4}})
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
