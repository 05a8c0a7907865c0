package interrupt

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

func TestWithin(t *testing.T) {
	reason := errors.New("stop")
	for name, tt := range map[string]struct {
		f    func(ctx context.Context) error
		stop bool
		want error
	}{
		"done":              {func(context.Context) error { return nil }, false, nil},
		"failed":            {func(context.Context) error { return io.EOF }, false, io.EOF},
		"heeds it":          {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, true, reason},
		"done all the same": {func(ctx context.Context) error { <-ctx.Done(); return nil }, true, nil},
		"deaf":              {func(context.Context) error { time.Sleep(2 * Grace); return nil }, true, reason},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if tt.stop {
			time.AfterFunc(10*time.Millisecond, func() { cancel(reason) })
		}
		start := time.Now()
		if err := Within(ctx, func() error { return tt.f(ctx) }); err != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		cancel(nil)
	}
}

// TestLate checks that what deaf work holds is given back when it is done.
func TestLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := make(chan error, 1)
	if err := Within(ctx, func() error { time.Sleep(2 * Grace); return io.EOF }, func(err error) { got <- err }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-got; err != io.EOF {
		t.Errorf("late is called with %v", err)
	}
}
