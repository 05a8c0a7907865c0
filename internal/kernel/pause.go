package kernel

// Pause executes n PAUSE (x86) or ISB (arm64) instructions, of tens of cycles each on most processors. It is the body of a
// spin-wait: it saves power and, on x86, lets the other thread of the core run. On other processors it is an empty loop. It
// never calls the Go scheduler, so a caller that may wait for long must limit the number of calls.
func Pause(n uint32) { pause(n) }

func pauseGeneric(n uint32) {
	for range n {
	}
}
