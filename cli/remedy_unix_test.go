//go:build unix

package cli

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/train/runlog"
)

// A full disk and too many open files are called so, with what helps; a training says how it goes on.
func TestMachineRemedies(t *testing.T) {
	a := newApp(io.Discard, io.Discard)
	run := &runlog.Run{Dir: "runs/my run", Config: runlog.Config{Recipe: "mlp-vae"}}
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "free some space on that disk, then go on with imago train mlp-vae --resume 'runs/my run'",
		syscall.EDQUOT: "free some space on that disk, then go on with imago train mlp-vae --resume 'runs/my run'",
		syscall.EMFILE: "raise the limit of open files, as by ulimit -n 4096, or use fewer --threads, then go on with imago train mlp-vae --resume 'runs/my run'",
	} {
		err := fmt.Errorf("train: %w", &fs.PathError{Op: "write", Path: "x", Err: errno})
		remedy, _, _ := strings.Cut(want, ", then")
		if got := a.errorText(err); !strings.Contains(got, errno.Error()+": "+remedy) {
			t.Errorf("%s: want %q", got, remedy)
		}
		if got := a.errorText(resumable(err, run)); !strings.HasSuffix(got, errno.Error()+": "+want) || strings.Count(got, remedy) != 1 {
			t.Errorf("%s: want %q", got, want)
		}
	}
	if got := a.errorText(syscall.EACCES); got != syscall.EACCES.Error() {
		t.Error(got)
	}
}
