package cli

import (
	"testing"

	"github.com/imago-ml/imago/train/runlog"
)

// A run that is complete goes on for twice its length.
func TestLonger(t *testing.T) {
	for want, c := range map[string]runlog.Config{"--epochs 6": {Epochs: 3}, "--steps 16": {Steps: 8}} {
		if got := longer(&c); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
