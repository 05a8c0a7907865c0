//go:build !invariants && !race

package invariants

import "testing"

func TestEnabled(t *testing.T) {
	if Enabled {
		t.Error("Enabled is true in a build without tags, so that users would run the checks")
	}
}
