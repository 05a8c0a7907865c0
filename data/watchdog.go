package data

import (
	"sync/atomic"
	"time"
)

// A watchdog calls bark when fewer than min units were added within a window: it ends a
// dead connection, and one that sends a few bytes now and then.
type watchdog struct {
	got  atomic.Int64
	done chan struct{}
}

func newWatchdog(window time.Duration, min int64, bark func()) *watchdog {
	w := &watchdog{done: make(chan struct{})}
	go func() {
		tick := time.NewTicker(window)
		defer tick.Stop()
		for {
			select {
			case <-w.done:
				return
			case <-tick.C:
				if w.got.Swap(0) < min {
					bark()
					return
				}
			}
		}
	}()
	return w
}

func (w *watchdog) add(n int64) { w.got.Add(n) }
func (w *watchdog) stop()       { close(w.done) }
