package cli

import (
	"io"
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// TestFieldsHaveOneFlag checks that a field has the same flag in all kinds: errors of the library name fields.
func TestFieldsHaveOneFlag(t *testing.T) {
	a := newApp(io.Discard, io.Discard)
	flags := map[string]string{}
	for _, k := range a.Models.Kinds() {
		for _, f := range model.Flags(k.Default()) {
			if other := flags[f.Field]; other != "" && other != f.Name {
				t.Errorf("field %s is --%s in one kind and --%s in %s", f.Field, other, f.Name, k.Name)
			}
			flags[f.Field] = f.Name
		}
	}
	for field, want := range map[string]string{"LR": "--lr", "LogSteps": "--log-steps", "DNorm": "--d-norm", "R1": "--r1", "Width": "--width", "TestFraction": "--test-fraction", "MMDKernel": "--mmd-kernel"} {
		if got := a.flagOf(field); got != want {
			t.Errorf("field %s is %s, want %s", field, got, want)
		}
	}
}
