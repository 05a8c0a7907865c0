package data

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Parallel calls f(0) … f(n-1) on as many goroutines as there are processors and waits
// for them. It stops at the first error, or when ctx is done. Of several errors it
// returns the one of the smallest index, so that a folder with two bad files names the
// same file each time. A panic in f is returned as an error: a bug of a decoder must
// not end the process.
func Parallel(ctx context.Context, n int, f func(i int) error) error {
	var (
		next   atomic.Int64
		stop   atomic.Bool
		mu     sync.Mutex
		wg     sync.WaitGroup
		first  error
		firstI int
	)
	fail := func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil || i < firstI {
			first, firstI = err, i
		}
		stop.Store(true)
	}
	one := func(i int) {
		defer func() {
			if r := recover(); r != nil {
				fail(i, fmt.Errorf("data: item %d: panic: %v\n%s", i, r, debug.Stack()))
			}
		}()
		if err := f(i); err != nil {
			fail(i, err)
		}
	}
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for !stop.Load() && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				one(i)
			}
		}()
	}
	wg.Wait()
	if first != nil {
		return first
	}
	return ctx.Err()
}
