//go:build !purego

package cpuid

import "testing"

func TestARM64(t *testing.T) {
	EachImpl(t, "what", func(t *testing.T) {
		if NEON() != (Name() == "neon") {
			t.Errorf("%s: NEON() = %v", Name(), NEON())
		}
	})
}
