package kernel

// Pause passes the time of n x86 PAUSE or arm64 ISB instructions (tens of cycles
// each on most processors), the body of a spin-wait: it saves power, and on x86
// leaves the core to its other thread. Elsewhere it is an empty loop of n turns. It
// never yields to the Go scheduler, so a caller that may wait long must bound its
// turns.
func Pause(n uint32) { pause(n) }

func pauseGeneric(n uint32) {
	for range n {
	}
}
