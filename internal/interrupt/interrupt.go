// Package interrupt ends the wait for work that does not notice an interrupt itself.
//
// A loop that can look at its context does so. Compiling a program, drawing initial values, sorting or hashing an array
// of gigabytes cannot, or only at a price:
//
//	err := interrupt.Within(ctx, func() error { set, err = read(ctx, name); return err })
package interrupt

import (
	"context"
	"time"
)

// Grace is how long Within waits for work to end by itself when its context has ended.
const Grace = 250 * time.Millisecond

// Within calls f and returns its error. When ctx ends and f does not within Grace, it returns the cause of ctx. f then
// goes on until it is done, and what it makes must not be used: a program that is interrupted is about to end. late, if
// it is not nil, is called when such an f is done after all, with its error, to give back what it holds.
//
// If f fails because ctx has ended, the error is the cause of ctx too, whatever f says of it.
func Within(ctx context.Context, f func() error, late ...func(err error)) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(Grace)
	defer grace.Stop()
	select {
	case err := <-done:
		if err != nil {
			return context.Cause(ctx)
		}
		return nil
	case <-grace.C:
	}
	go func() {
		err := <-done
		for _, g := range late {
			g(err)
		}
	}()
	return context.Cause(ctx)
}
