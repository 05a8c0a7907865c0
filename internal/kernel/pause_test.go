package kernel

import "testing"

// Pause comes back, from any count; what it costs is BenchmarkPause's to say.
func TestPause(t *testing.T) {
	for _, n := range []uint32{0, 1, 2, 1000} {
		Pause(n)
		pauseGeneric(n)
	}
}

func BenchmarkPause(b *testing.B) {
	for b.Loop() {
		Pause(100)
	}
}
