package keep

import (
	"errors"
	"io/fs"
	"reflect"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
)

// TestUnitsFaults lets each call on the disk fail with which a ranking is replaced, or cuts the power there: the old one or
// the new one is read afterwards, and an error of the disk is not called a bad file.
func TestUnitsFaults(t *testing.T) {
	before := Units{3, latent.Ranking{By: latent.ByKL, Scores: []float64{5, 9}}}
	after := Units{6, latent.Ranking{By: latent.ByKL, Scores: []float64{9, 5}}}
	setUp := func() (*disktest.System, disk.Folder) {
		sys := disktest.New()
		run := disk.On(sys, "/runs/x")
		if err := errors.Join(run.MkdirAll("."), WriteUnits(run, &before)); err != nil {
			t.Fatal(err)
		}
		return sys, run
	}
	sys, run := setUp()
	first := sys.Calls()
	if err := WriteUnits(run, &after); err != nil {
		t.Fatal(err)
	}
	calls := sys.Calls() - first
	for at := 1; at <= calls; at++ {
		for _, fault := range []error{syscall.EIO, disktest.ErrKilled} {
			sys, run := setUp()
			start := sys.Calls()
			sys.Before = func(op disktest.Op) error {
				if op.N != start+at {
					return nil
				}
				return fault
			}
			failed := WriteUnits(run, &after)
			sys.Before = nil
			if fault == disktest.ErrKilled {
				sys.Restart()
				sys.PowerCut(nil)
			}
			u, err := OpenUnits(run, 2)
			if err != nil || !reflect.DeepEqual(*u, before) && !reflect.DeepEqual(*u, after) || failed == nil && !reflect.DeepEqual(*u, after) {
				t.Errorf("%v at call %d of %d (%v): %+v, %v", fault, at, calls, failed, u, err)
			}
		}
	}
	sys.Before = func(disktest.Op) error { return syscall.EIO }
	if _, err := OpenUnits(run, 2); !errors.Is(err, syscall.EIO) || errors.Is(err, ErrUnits) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a disk that fails: %v", err)
	}
}
