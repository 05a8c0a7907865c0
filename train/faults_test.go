package train_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// faultsEnv is the environment variable with the share of calls that TestFaults tries: 1 for each, n for each nth one.
const faultsEnv = "IMAGO_FAULTS"

// A faulty is what happens at one call on the disk, and after it.
type faulty struct {
	name string
	err  error                    // of that call
	cut  func(s *disktest.System) // nil if the power stays
}

// TestFaults trains a VAE of three epochs and a GAN of 60 steps on a file system in memory, lets one call on it fail, or
// kills the process there, with and without a power cut that forgets what was not synced, and trains on. Whatever the
// call: the run ends with the bits of one that was left alone, and no checkpoint that was saved is lost. IMAGO_FAULTS=1
// tries each call; without it, some.
func TestFaults(t *testing.T) {
	every := 37
	if n, err := strconv.Atoi(os.Getenv(faultsEnv)); err == nil {
		every = n
	} else if testing.Short() {
		every = 211
	}
	set := runtest.Must(runtest.Small(130, 40))
	v := runtest.Config("mlp-vae", set, "hidden", "8")
	v.Checkpoints.Steps, v.Checkpoints.Keep = 2, 2
	g := runtest.Config("dense-gan", set, "hidden", "8")
	g.Epochs, g.Steps, g.LogSteps, g.Checkpoints.Steps, g.Checkpoints.Keep = 0, 60, 10, 20, 2
	be := cpu.New(1)
	defer be.Close()
	for name, c := range map[string]runlog.Config{"a VAE of 3 epochs": v, "a GAN of 60 steps": g} {
		t.Run(name, func(t *testing.T) {
			whole := disktest.New()
			if err := trainOn(whole, c, be); err != nil {
				t.Fatal(err)
			}
			calls := whole.Calls()
			want, wantLog, err := runtest.DigestOf(runtest.Must(runlog.OpenIn(disk.On(whole, "/runs/x"), "")))
			if err != nil {
				t.Fatal(err)
			}
			tried := 0
			for at := 1; at <= calls; at += every {
				for _, f := range []faulty{
					{"killed", disktest.ErrKilled, nil},
					{"power cut", disktest.ErrKilled, func(s *disktest.System) { s.PowerCut(nil) }},
					{"power cut, some of it kept", disktest.ErrKilled, func(s *disktest.System) { s.PowerCut(rand.New(rand.NewPCG(uint64(at), 0))) }},
					{"EIO", syscall.EIO, nil},
					{"ENOSPC", syscall.ENOSPC, nil},
					{"EMFILE", syscall.EMFILE, nil},
				} {
					sys := disktest.New()
					last := f.strike(sys, at)
					failed := trainOn(sys, c, be)
					sys.Restart()
					if f.cut != nil {
						f.cut(sys)
					}
					where := fmt.Sprintf("%s at call %d of %d, %s %s (%v)", f.name, at, calls, last.Call, last.Path, failed)
					if strings.HasPrefix(where, "EIO") && failed != nil && !errors.Is(failed, syscall.EIO) {
						t.Errorf("%s: the error hides its cause", where)
					}
					if err := trainOn(sys, c, be); err != nil {
						t.Fatalf("%s: training on: %v", where, err)
					}
					got, log, err := runtest.DigestOf(runtest.Must(runlog.OpenIn(disk.On(sys, "/runs/x"), "")))
					if err != nil || got != want || log != wantLog {
						t.Fatalf("%s: other bits or another log: %v\n%s\nwant\n%s", where, err, log, wantLog)
					}
					for name := range sys.Files() {
						if disk.IsTemp(name) || strings.Contains(name, "damaged-") {
							t.Errorf("%s: %s is left", where, name)
						}
					}
					tried++
				}
			}
			t.Logf("%d calls, %d faults", calls, tried)
		})
	}
}

// strike lets call number at of the system fail. It returns that call, once it was made.
func (f faulty) strike(sys *disktest.System, at int) *disktest.Op {
	last := &disktest.Op{}
	sys.Before = func(op disktest.Op) error {
		if op.N != at {
			return nil
		}
		*last = op
		return f.err
	}
	return last
}

// trainOn trains the run /runs/x of a system to its end, as the command line does: it makes the run, or goes on with it.
func trainOn(sys *disktest.System, c runlog.Config, be backend.Backend) error {
	run, err := runlog.OpenIn(disk.On(sys, "/runs/x"), "")
	if err != nil {
		run, err = runlog.CreateIn(disk.On(sys, "/runs"), "x", c)
	}
	if err != nil {
		return err
	}
	set, err := runtest.Small(c.Data.Train, c.Data.Test)
	if err != nil {
		return err
	}
	_, err = train.Loop(context.Background(), jobOn(run, set, be, nil))
	return err
}

// TestBitFlips flips single bits of all files of a finished run. Whatever the bit: the run opens as the same model with the
// same log, or there is an error or a warning that names the file, or the file is none that a result depends on.
func TestBitFlips(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	c := runtest.Config("mlp-vae", set, "hidden", "8")
	sys := disktest.New()
	be := cpu.New(1)
	defer be.Close()
	if err := trainOn(sys, c, be); err != nil {
		t.Fatal(err)
	}
	folder := disk.On(sys, "/runs/x")
	state := func() (weights, log string, warned int, err error) {
		run, err := runlog.OpenIn(folder, "")
		if err != nil {
			return "", "", 0, err
		}
		tr, err := train.OpenBest(run, runtest.Registry(), be)
		if err != nil {
			return "", "", 0, err
		}
		if weights, err = tr.Fingerprint(); err != nil {
			return "", "", 0, err
		}
		if _, err := ckpt.Latest(run.Checkpoints()); err != nil {
			return "", "", 0, err
		}
		lines, err := run.Lines()
		return fmt.Sprintf("%s step %d %+v %+v", weights, tr.Step, tr.Config.Fields(), run.Config.Fields()), fmt.Sprintf("%+v", lines), len(tr.Warnings), err
	}
	weights, log, _, err := state()
	if err != nil {
		t.Fatal(err)
	}
	files := sys.Files()
	r := rand.New(rand.NewPCG(1, 2))
	for name, whole := range files {
		detected, flips := 0, 70
		for range flips {
			b := []byte(whole)
			if len(b) == 0 {
				break
			}
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			sys.Put(name, string(b))
			w, l, warned, err := state()
			switch {
			case err != nil || warned > 0:
				detected++
			case w != weights || l != log:
				t.Errorf("a flipped bit of %s is read as another run:\n%s\n%s", name, w, l)
			}
		}
		sys.Put(name, whole)
		t.Logf("%s: %d of %d flips detected", name, detected, flips)
	}
	if _, err := folder.Stat("run.json"); errors.Is(err, fs.ErrNotExist) {
		t.Error("the run was not looked at")
	}
}
