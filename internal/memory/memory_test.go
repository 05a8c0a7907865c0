package memory

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// budgetOf sets a budget that has room for n bytes beside what the test holds.
func budgetOf(t *testing.T, n int64) {
	t.Helper()
	runtime.GC()
	SetLimit(InUse() + n)
	t.Cleanup(func() { SetLimit(0) })
}

func TestCheck(t *testing.T) {
	budgetOf(t, 64<<20)
	if err := Check(32<<20, "a half"); err != nil {
		t.Error(err)
	}
	err := Check(80<<20, "the array %s", "x")
	var e *Error
	if !errors.As(err, &e) || e.Bytes != 80<<20 || !strings.HasPrefix(err.Error(), "the array x takes 83.9 MB of memory, and imago may use ") {
		t.Errorf("80 MiB of 64: %v", err)
	}
	held := make([]byte, 48<<20)
	if err := Check(32<<20, "what is left"); err == nil {
		t.Error("32 MiB of the 16 that are left: no error")
	}
	runtime.KeepAlive(held)
	held = nil
	if err := Check(32<<20, "what was garbage"); err != nil { // it is collected first
		t.Error(err)
	}
}

// TestErrorText checks that an error advises a larger budget only where the machine has it.
func TestErrorText(t *testing.T) {
	flag := func(field string) string { return "--" + strings.ToLower(field) }
	e := &Error{What: "x", Bytes: 3e9, InUse: 1e9, Budget: 2e9, Most: 8e9}
	if got, want := e.Text(flag), "x takes 3.0 GB of memory, and imago may use 2.0 GB, of which 1.0 GB are in use: allow more, as --memory 5GB"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	e = &Error{What: "x", Bytes: 30e9, Budget: 2e9, Most: 8e9}
	if got, want := e.Text(flag), "x takes 30.0 GB of memory, and imago may use 2.0 GB of the 8.0 GB that there are (--memory sets another limit)"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestTake checks that the shares of many goroutines stay within the budget, and that all get theirs.
func TestTake(t *testing.T) {
	budgetOf(t, 64<<20)
	var now, most, done atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			release, err := Take(24<<20, "an image")
			if err != nil {
				t.Error(err)
				return
			}
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			held := make([]byte, 24<<20)
			runtime.KeepAlive(held)
			now.Add(-1)
			done.Add(1)
			release()
		})
	}
	wg.Wait()
	if done.Load() != 40 || most.Load() > 2 {
		t.Errorf("%d of 40 had their share, %d at once, want at most 2", done.Load(), most.Load())
	}
	if _, err := Take(80<<20, "an image"); err == nil {
		t.Error("a share of more than the budget: no error")
	}
}

// zeros reads as that many bytes.
type zeros struct{ left int64 }

func (z *zeros) Read(b []byte) (int, error) {
	n := int(min(int64(len(b)), z.left))
	if z.left -= int64(n); n == 0 {
		return 0, io.EOF
	}
	clear(b[:n])
	return n, nil
}

func TestReadFull(t *testing.T) {
	budgetOf(t, 64<<20)
	text := bytes.Repeat([]byte("0123456789"), 1<<18)
	if got, err := ReadFull(bytes.NewReader(text), int64(len(text)), "text"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(text))
	}
	if got, err := ReadFull(bytes.NewReader(text[:100]), 1<<40, "text"); err != io.ErrUnexpectedEOF || len(got) != 100 {
		t.Errorf("100 bytes of 2⁴⁰: %d, %v", len(got), err)
	}
	if got, err := ReadFull(strings.NewReader(""), 0, "nothing"); err != nil || len(got) != 0 {
		t.Errorf("0 bytes: %d, %v", len(got), err)
	}
	var e *Error
	if _, err := ReadFull(&zeros{1 << 40}, 1<<40, "a bomb"); !errors.As(err, &e) {
		t.Errorf("a bomb: %v", err)
	}
	if used := InUse(); used > Limit() {
		t.Errorf("the bomb took %s of %s", Bytes(used), Bytes(Limit()))
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"4GB": 4e9, "4G": 4e9, "512mb": 512e6, "1.5 TB": 15e11, "4GiB": 4 << 30, "2048K": 2048e3} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("%s is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "4", "4XB", "-4GB", "4GBs", "1KB", "99999999TB", "NaNGB", "1e9GB"} {
		if n, err := ParseSize(bad); err == nil {
			t.Errorf("%q is %d, want an error", bad, n)
		}
	}
	for n, want := range map[int64]string{1: "1MB", 4e9: "4GB", 4e9 + 1: "5GB", 999e6 + 1: "1000MB", 13e12: "13TB"} {
		got := Size(n)
		if back, err := ParseSize(got); got != want || err != nil || back < n {
			t.Errorf("%d is %s (%v), want %s", n, got, err, want)
		}
	}
	for n, want := range map[int64]string{5: "5 bytes", 640e3: "640 kB", 132e8: "13.2 GB", 999_999: "1.0 MB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
