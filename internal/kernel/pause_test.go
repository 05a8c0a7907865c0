package kernel

import "testing"

// Pause returns for every count. BenchmarkPause measures its time.
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
