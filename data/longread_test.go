package data

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOpenLong checks that a long read says how far it is, that a short one is silent, and that both end with their
// context.
func TestOpenLong(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(name, make([]byte, 3_000_000), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ago  time.Duration
		want string
	}{{0, ""}, {time.Minute, "reading rows.csv: 1.0 of 3.0 MB\nreading rows.csv: 1.0 of 3.0 MB\n"}} {
		var out strings.Builder
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		f, err := OpenLong(ctx, name, Options{Progress: &out})
		if err != nil {
			t.Fatal(err)
		}
		f.(*longRead).started = time.Now().Add(-tt.ago)
		if n, err := f.Read(make([]byte, 1_000_000)); n != 1_000_000 || err != nil {
			t.Fatal(n, err)
		}
		cancel(stop)
		if _, err := io.ReadAll(f); err != stop {
			t.Errorf("%v after the end of the context", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if out.String() != tt.want {
			t.Errorf("after %v: %q, want %q", tt.ago, &out, tt.want)
		}
	}
}

// TestLongPieces checks that a file of gigabytes is not read by one call, which an interrupt would have to wait for.
func TestLongPieces(t *testing.T) {
	name := filepath.Join(t.TempDir(), "long")
	if err := errors.Join(os.WriteFile(name, nil, 0o666), os.Truncate(name, 2*longPiece)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	f, err := OpenLong(ctx, name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 2*longPiece)
	if n, err := f.Read(b); n == 0 || n > longPiece || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	stop := errors.New("stop")
	cancel(stop)
	if n, err := f.Read(b); n != 0 || err != stop {
		t.Errorf("after the interrupt: %d bytes, %v", n, err)
	}
}
