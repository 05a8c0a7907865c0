package ckpt

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
)

func bases(t *testing.T, in Folder) string {
	t.Helper()
	names, err := List(in)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, n := range names {
		s = append(s, strings.TrimLeft(strings.TrimPrefix(n, "step-"), "0"))
	}
	return strings.Join(s, " ")
}

func TestManagerKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "checkpoints")
	in := Dir(dir)
	m, err := OpenManager(in, 2)
	if err != nil || m.Folder() != in {
		t.Fatal(m, err)
	}
	if _, err := Latest(in); !errors.Is(err, ErrNone) || err.Error() != "ckpt: "+dir+": no checkpoint in it" {
		t.Errorf("an empty folder: %v", err)
	}
	// sample says that the best was at the last multiple of 300.
	for _, tt := range []struct {
		step int64
		want string
	}{
		{100, "100"}, {200, "100 200"}, {300, "200 300"}, {400, "300 400"}, {500, "300 400 500"},
		{600, "300 500 600"}, {700, "600 700"}, {800, "600 700 800"},
	} {
		name, err := m.Save(sample(t, tt.step))
		if err != nil || name != Name(tt.step) {
			t.Fatalf("step %d: %s, %v", tt.step, name, err)
		}
		if got := bases(t, in); got != tt.want {
			t.Errorf("after step %d: %s, want %s", tt.step, got, tt.want)
		}
	}
	if best, err := Best(in); err != nil || best.Name != Name(600) {
		t.Errorf("best %s, %v; want step 600", best, err)
	}
	if f, err := Latest(in); err != nil || f.Name != Name(800) || f.State.Step != 800 || f.Skipped != nil {
		t.Errorf("latest %+v, %v", f, err)
	}
	for _, step := range []int64{600, 800} {
		if err := os.RemoveAll(filepath.Join(dir, Name(step))); err != nil {
			t.Fatal(err)
		}
	}
	_, err = Best(in)
	at := filepath.Join(dir, Name(700))
	if want := "ckpt: " + dir + ": no checkpoint: by " + at + " the best was step 600, which is not there; use Checkpoint " + at; !errors.Is(err, ErrNone) || err.Error() != want {
		t.Errorf("a best that is gone: %v\nwant %s", err, want)
	}
}

func TestManagerKeepsAll(t *testing.T) {
	m, err := OpenManager(Dir(t.TempDir()), 0)
	if err != nil {
		t.Fatal(err)
	}
	for step := range int64(5) {
		c := sample(t, step)
		c.State.Best = nil
		if _, err := m.Save(c); err != nil {
			t.Fatal(err)
		}
	}
	if got := bases(t, m.Folder()); got != " 1 2 3 4" {
		t.Errorf("kept %q, want all five", got)
	}
	if best, err := Best(m.Folder()); err != nil || best.Name != Name(4) {
		t.Errorf("without an evaluation the best is %s, %v; want the latest", best, err)
	}
}

// A run resumed at 200 because 300 was damaged keeps what it saves, whatever stands further on.
func TestManagerDamagedFuture(t *testing.T) {
	m, err := OpenManager(Dir(t.TempDir()), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Save(sample(t, 300)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(m.Folder().Path(Name(300)+"/"+WeightsFile), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := Latest(m.Folder()); !errors.Is(err, ErrNone) || !errors.Is(err, ErrDamaged) {
		t.Errorf("all damaged: %v", err)
	}
	for _, step := range []int64{200, 250} {
		if _, err := m.Save(sample(t, step)); err != nil {
			t.Fatal(err)
		}
		f, err := Latest(m.Folder())
		if err != nil || f.State.Step != step || len(f.Skipped) != 1 {
			t.Errorf("latest %+v, %v; want step %d and a warning", f, err, step)
		}
	}
	if _, err := m.Save(sample(t, 300)); err != nil {
		t.Fatal(err)
	}
	if f, err := Latest(m.Folder()); err != nil || f.State.Step != 300 || f.Skipped != nil || bases(t, m.Folder()) != "300" {
		t.Errorf("latest %+v, %v; want a whole step 300 alone", f, err)
	}
}

// Of very many bad checkpoints, which no training leaves, only the latest are looked at.
func TestManyDamaged(t *testing.T) {
	in := Dir(t.TempDir())
	if _, err := Save(in, sample(t, 1)); err != nil {
		t.Fatal(err)
	}
	damage := func(step int64) {
		if err := in.Mkdir(Name(step)); err != nil {
			t.Fatal(err)
		}
	}
	for step := range int64(mostSkipped - 1) {
		damage(100 + step)
	}
	if f, err := Latest(in); err != nil || f.State.Step != 1 || len(f.Skipped) != mostSkipped-1 {
		t.Errorf("%v, want step 1, and the others skipped", err)
	}
	damage(5000)
	_, latest := Latest(in)
	_, best := Best(in)
	for _, err := range []error{latest, best} {
		if !errors.Is(err, ErrNone) || !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "of the latest 1000, the first of which is step-00000100; there are 1 before them") {
			t.Errorf("%v: want an error that says how many were looked at", err)
		}
	}
}

// A damaged checkpoint that is later than the one that a run goes on from is kept under another name, each time.
func TestRewind(t *testing.T) {
	in := Dir(t.TempDir())
	m, err := OpenManager(in, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Save(sample(t, 300)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"damaged-step-00000400", "damaged-step-00000400-2"} {
		saved(t, in.String(), sample(t, 400))
		if err := os.Truncate(in.Path(Name(400)+"/"+WeightsFile), 10); err != nil {
			t.Fatal(err)
		}
		found, err := Latest(in)
		if err != nil {
			t.Fatal(err)
		}
		warned, err := m.Rewind(found)
		if err != nil || len(warned) != 1 || !strings.Contains(warned[0].Error(), "goes on from step 300, and the damaged checkpoint is kept as "+in.Path(want)) {
			t.Errorf("warned %v, %v", warned, err)
		}
		if b := read(t, in.Path(want+"/"+WeightsFile)); len(b) != 10 || bases(t, in) != "300" {
			t.Errorf("kept %d bytes beside %s", len(b), bases(t, in))
		}
	}
}

// A process that was stopped after it saved a checkpoint, before it pruned, is followed by one that prunes.
func TestRewindPrunes(t *testing.T) {
	in := Dir(t.TempDir())
	for _, step := range []int64{100, 200, 300, 400, 500} {
		saved(t, in.String(), sample(t, step))
	}
	m, err := OpenManager(in, 2)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Latest(in)
	if err != nil {
		t.Fatal(err)
	}
	if warned, err := m.Rewind(found); err != nil || warned != nil {
		t.Errorf("warned %v, %v", warned, err)
	}
	if got := bases(t, in); got != "300 400 500" { // 300 is the best
		t.Errorf("%s, want 300 400 500", got)
	}
}

// What cannot be read is not what is bad: a checkpoint of a later format, or that the system does not let be read, is
// neither removed nor renamed by reading, pruning, opening and rewinding; the run does not go on before it.
func TestUnreadIsKept(t *testing.T) {
	for name, spoil := range map[string]func(sys *disktest.System){
		"EIO":    func(sys *disktest.System) { failReads(sys, syscall.EIO) },
		"EACCES": func(sys *disktest.System) { failReads(sys, syscall.EACCES) },
		"EMFILE": func(sys *disktest.System) { failReads(sys, syscall.EMFILE) },
		"a later format": func(sys *disktest.System) {
			sys.Put("/c/"+Name(500)+"/"+StateFile, `{"format": 2, "kept": {}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			sys := disktest.New()
			in := disk.On(sys, "/c")
			m, err := OpenManager(in, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []int64{300, 400, 500} { // 300 is the best one by each
				if _, err := m.Save(sample(t, step)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Save(in, sample(t, 400)); err != nil { // as if it had not been pruned yet
				t.Fatal(err)
			}
			spoil(sys)
			before := sys.Files()
			found, err := Latest(in)
			if err != nil || found.State.Step != 400 || len(found.Skipped) != 1 || errors.Is(found.Skipped[0].Err, ErrDamaged) {
				t.Fatalf("latest %+v, %v", found, err)
			}
			if _, err := m.Rewind(found); err == nil || !strings.Contains(err.Error(), "is not replaced unread") {
				t.Errorf("rewound: %v", err)
			}
			if best, err := Best(in); err != nil || best.Name != Name(300) || len(best.Skipped) != 1 {
				t.Errorf("best %+v, %v", best, err)
			}
			if _, err := OpenManager(in, 1); err != nil {
				t.Error(err)
			}
			if after := sys.Files(); !maps.Equal(before, after) {
				t.Errorf("the files were changed from %d to %d", len(before), len(after))
			}
			if err := m.prune(500); err == nil {
				t.Error("pruned by what was not read")
			}
			if after := sys.Files(); !maps.Equal(before, after) {
				t.Errorf("pruning changed the files from %d to %d", len(before), len(after))
			}
		})
	}
}

// failReads lets every opening of a file of step 500 fail.
func failReads(sys *disktest.System, err error) {
	sys.Before = func(op disktest.Op) error {
		if op.Call == "open" && strings.Contains(op.Path, Name(500)) {
			return err
		}
		return nil
	}
}

// Every call of opening a folder with an unfinished replacement, and of the first save, fails once: nothing that was
// readable is lost.
func TestOpenFails(t *testing.T) {
	for at := 1; ; at++ {
		sys := disktest.New()
		in := disk.On(sys, "/c")
		if _, err := Save(in, sample(t, 300)); err != nil {
			t.Fatal(err)
		}
		if err := in.Rename(Name(300), oldPrefix+Name(300)); err != nil {
			t.Fatal(err)
		}
		if _, err := Save(in, sample(t, 400)); err != nil {
			t.Fatal(err)
		}
		for name, b := range sys.Files() { // a stray copy of a checkpoint in the making
			sys.Put(strings.Replace(name, Name(400), tmpPrefix+Name(400)+"-1", 1), b)
		}
		start, done := sys.Calls(), true
		sys.Before = func(op disktest.Op) error {
			if op.N == start+at {
				done = false
				return syscall.EIO
			}
			return nil
		}
		m, err := OpenManager(in, 1)
		if err == nil {
			_, err = m.Save(sample(t, 500))
		}
		sys.Before = nil
		for _, step := range []int64{300, 400} {
			c, e := Load(in, Name(step))
			if (e != nil || !equal(c, sample(t, step))) && (step == 300 || err != nil && !errors.Is(err, ErrNotPruned)) {
				t.Errorf("call %d fails with %v: step %d: %v", at, err, step, e)
			}
		}
		if done {
			if err != nil || at < 30 {
				t.Errorf("without a fault after %d calls: %v", at-1, err)
			}
			return
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]int64{
		"step-00000000": 0, "step-00001234": 1234, "step-123456789": 123456789,
		"step-1234": -1, "step-00001234x": -1, "step--0000001": -1, "x": -1, "step-000001234": -1, ".old-step-00000001": -1,
	} {
		step, ok := parseName(name)
		if ok != (want >= 0) || ok && step != want {
			t.Errorf("%s: %d, %v; want %d", name, step, ok, want)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"step-100000000", "step-00000009", "step-99999999", ".old-step-00000005", ".old-step-00000009", ".tmp-step-00000007-1", "notes"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "step-00000001"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := bases(t, Dir(dir)); got != "5 9 99999999 100000000" {
		t.Errorf("listed %s", got)
	}
	if names, err := List(Dir(dir).Sub("none")); names != nil || err != nil {
		t.Errorf("no folder: %v, %v", names, err)
	}
	if _, err := OpenManager(Dir(dir), 1); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"damaged-step-00000009", "notes", "step-00000001", "step-00000005", "step-00000009", "step-100000000", "step-99999999"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("recovered to %q, %v; want %q", names, err, want)
	}
}
