package ckpt

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crash is what a killed process throws in place of dying.
type crash struct{}

// disk counts what is done to the disk and crashes before the thing numbered at. When the power goes too, files that
// were not synced are empty afterwards, as a journalling file system may leave them.
type disk struct {
	at, n  int
	last   string
	synced []os.FileInfo
}

func (d *disk) trace(event, path string) {
	if event == "synced" {
		if st, err := os.Stat(path); err == nil {
			d.synced = append(d.synced, st)
		}
	}
	d.last = event + " " + filepath.Base(path)
	if d.n++; d.n == d.at {
		panic(crash{})
	}
}

// powerCut empties the files under dir that were not synced since the run of the test began.
func (d *disk) powerCut(t *testing.T, dir string) {
	err := filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() || slices.ContainsFunc(d.synced, func(s os.FileInfo) bool { return os.SameFile(s, st) }) {
			return err
		}
		return os.Truncate(path, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// play saves steps 200, 300 and 400 keeping two, so that 200 goes, then 400 again with another seed, which replaces it. It returns the last
// step whose Save returned.
func play(t *testing.T, dir string) (done int64, crashed bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			crashed = true
		}
	}()
	m, err := OpenManager(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int64{200, 300, 400} {
		if _, err := m.Save(sample(t, step)); err != nil {
			t.Fatal(err)
		}
		done = step
	}
	c := sample(t, 400)
	c.State.Seed = 1
	if _, err := m.Save(c); err != nil {
		t.Fatal(err)
	}
	return 400, false
}

// TestCrash crashes at every point of play, with and without the loss of what was not synced. Whatever the point:
// readers find the last checkpoint whose Save returned, or the one being saved, whole, with nothing damaged in sight; a
// new Manager leaves no stray folder; and saving goes on.
func TestCrash(t *testing.T) {
	defer func() { trace = func(event, path string) {} }()
	points := 0
	for at := 1; ; at++ {
		dir := filepath.Join(t.TempDir(), "checkpoints")
		d := &disk{at: at}
		trace = d.trace
		done, crashed := play(t, dir)
		trace = func(event, path string) {}
		if !crashed {
			break
		}
		points++
		d.powerCut(t, filepath.Dir(dir))
		check := func(when string) {
			f, err := Latest(dir)
			if err != nil {
				if done == 0 {
					return
				}
				t.Fatalf("crash before %q after step %d: %s: %v", d.last, done, when, err)
			}
			step := f.State.Step
			want := sample(t, step)
			want.State.Seed = f.State.Seed // step 400 has two
			if len(f.Skipped) != 0 || step < done || step > max(200, done+100) || !equal(f.Checkpoint, want) {
				t.Fatalf("crash before %q after step %d: %s: step %d, skipped %v", d.last, done, when, step, f.Skipped)
			}
			names, err := List(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if _, err := Load(name); err != nil {
					t.Fatalf("crash before %q after step %d: %s: %v", d.last, done, when, err)
				}
			}
			if _, err := Best(dir); err != nil && done >= 300 {
				t.Fatalf("crash before %q after step %d: %s: %v", d.last, done, when, err)
			}
		}
		check("as it was left")
		m, err := OpenManager(dir, 2)
		if err != nil {
			t.Fatal(err)
		}
		check("recovered")
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				t.Errorf("crash before %q: %s is still there", d.last, e.Name())
			}
		}
		if _, err := m.Save(sample(t, 500)); err != nil {
			t.Fatalf("crash before %q: saving goes not on: %v", d.last, err)
		}
	}
	if points < 50 {
		t.Errorf("only %d points: the trace is not called", points)
	}
}

// What the crash test cannot see on a file system that never fails: each file, then the folder, is synced before the
// folder gets its name, and the folder above after.
func TestSyncOrder(t *testing.T) {
	defer func() { trace = func(event, path string) {} }()
	var events []string
	trace = func(event, path string) {
		base := filepath.Base(path)
		if strings.HasPrefix(base, tmpPrefix) {
			base = "TMP"
		}
		if event != "write" && event != "create" {
			events = append(events, event+" "+base)
		}
	}
	dir := filepath.Join(t.TempDir(), "checkpoints")
	saved(t, filepath.Join(dir, Name(1)), sample(t, 1))
	want := "mkdir checkpoints, sync weights.safetensors, synced weights.safetensors, sync optimizer.safetensors, " +
		"synced optimizer.safetensors, sync state.json, synced state.json, sync TMP, rename TMP, sync checkpoints"
	if got := strings.Join(events, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
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
		f, err := Latest(dir)
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
	m, err := OpenManager(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	var step int64
	if f, err := Latest(dir); err == nil {
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
