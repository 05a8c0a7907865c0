//go:build invariants || race

package invariants

import "testing"

func TestEnabled(t *testing.T) {
	if !Enabled {
		t.Error("Enabled is false under -tags invariants or -race")
	}
}
