//go:build !invariants && !race

package invariants

import "testing"

func TestEnabled(t *testing.T) {
	if Enabled {
		t.Error("Enabled is true in a plain build: every user would pay for the checks")
	}
}
