package ckpt

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
)

// play saves steps 200, 300 and 400 keeping two, so that 200 goes, then 400 again with another seed, which replaces it. It
// returns the last step whose Save returned.
func play(t *testing.T, in Folder) (done int64, err error) {
	m, err := OpenManager(in, 2)
	if err != nil {
		return 0, err
	}
	for _, step := range []int64{200, 300, 400} {
		if _, err := m.Save(sample(t, step)); err != nil {
			return done, err
		}
		done = step
	}
	c := sample(t, 400)
	c.State.Seed = 1
	_, err = m.Save(c)
	return 400, err
}

// TestCrash stops the process at every call of play, and then cuts the power: nothing that was not synced is left, or all
// of it, or, in several draws, some of it, files and entries of folders alike. Whatever the point: readers find the last
// checkpoint whose Save returned, or the one being saved, whole, with nothing damaged in sight; a new Manager leaves no
// stray folder; and saving goes on.
func TestCrash(t *testing.T) {
	points := 0
	for at := 1; ; at++ {
		stopped := false
		for cut := range 6 {
			sys := disktest.New()
			sys.Put("/runs/x/run.json", "{}")
			in := disk.On(sys, "/runs/x").Sub("checkpoints")
			var last disktest.Op
			sys.Before = func(op disktest.Op) error {
				if op.N == at {
					last = op
					return disktest.ErrKilled
				}
				return nil
			}
			done, err := play(t, in)
			if err == nil {
				break
			}
			stopped = true
			sys.Restart()
			switch cut {
			case 0: // killed, and the power stays
			case 1:
				sys.PowerCut(nil)
			default:
				sys.PowerCut(rand.New(rand.NewPCG(uint64(at), uint64(cut))))
			}
			when := fmt.Sprintf("stopped before %s %s after step %d, cut %d", last.Call, last.Path, done, cut)
			points++
			check := func(when string) {
				t.Helper()
				f, err := Latest(in)
				if err != nil {
					if done == 0 {
						return
					}
					t.Fatalf("%s: %v", when, err)
				}
				step := f.State.Step
				want := sample(t, step)
				want.State.Seed = f.State.Seed // step 400 has two
				if len(f.Skipped) != 0 || step < done || step > max(200, done+100) || !equal(f.Checkpoint, want) {
					t.Fatalf("%s: step %d, skipped %v", when, step, f.Skipped)
				}
				names, err := List(in)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range names {
					if _, err := Load(in, name); err != nil {
						t.Fatalf("%s: %v", when, err)
					}
				}
				if _, err := Best(in); err != nil && done >= 300 {
					t.Fatalf("%s: %v", when, err)
				}
			}
			check(when)
			m, err := OpenManager(in, 2)
			if err != nil {
				t.Fatal(when, err)
			}
			check(when + ", recovered")
			for name := range sys.Files() {
				if strings.Contains(name, "/.") {
					t.Errorf("%s: %s is still there", when, name)
				}
			}
			if _, err := m.Save(sample(t, 500)); err != nil {
				t.Fatalf("%s: saving goes not on: %v", when, err)
			}
			sys.PowerCut(nil)
			if f, err := Latest(in); err != nil || f.State.Step != 500 {
				t.Fatalf("%s: a power cut after the next save: %+v, %v", when, f, err)
			}
		}
		if !stopped {
			break
		}
	}
	if points < 300 {
		t.Errorf("only %d points", points)
	}
}

const killEnv = "CKPT_KILL"

// TestKill kills a process that saves without pause, at odd moments.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killEnv); dir != "" {
		saveForever(t, dir)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "checkpoints")
	var last int64
	for round := range 6 {
		cmd := exec.Command(exe, "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
		lines, done := bufio.NewScanner(out), last
		for n := 0; lines.Scan(); n++ {
			if s, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				done = s
			}
			if n == 1 { // it saves: let it come somewhere into the next ones
				kill.Reset(time.Duration(1+round*5) * time.Millisecond)
			}
		}
		cmd.Wait()
		f, err := Latest(Dir(dir))
		if err != nil || len(f.Skipped) != 0 || f.State.Step < done || f.State.Step > done+1 {
			t.Fatalf("round %d: step %d was saved, %+v is the latest, %v", round, done, f, err)
		}
		if want := sized(t, f.State.Step, killSize); !equal(f.Checkpoint, want) {
			t.Fatalf("round %d: step %d is not what was saved", round, f.State.Step)
		}
		if done < last+2 {
			t.Fatalf("round %d: nothing was saved: step %d after %d", round, done, last)
		}
		last = f.State.Step
	}
}

const killSize = 100_000

func saveForever(t *testing.T, dir string) {
	m, err := OpenManager(Dir(dir), 2)
	if err != nil {
		t.Fatal(err)
	}
	var step int64
	if f, err := Latest(Dir(dir)); err == nil {
		step = f.State.Step
	}
	for range 10_000 {
		step++
		if _, err := m.Save(sized(t, step, killSize)); err != nil {
			t.Fatal(err)
		}
		fmt.Println(step)
	}
}
