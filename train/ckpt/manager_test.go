package ckpt

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func bases(t *testing.T, dir string) string {
	t.Helper()
	names, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, n := range names {
		s = append(s, strings.TrimLeft(strings.TrimPrefix(filepath.Base(n), "step-"), "0"))
	}
	return strings.Join(s, " ")
}

func TestManagerKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "checkpoints")
	m, err := OpenManager(dir, 2)
	if err != nil || m.Dir() != dir {
		t.Fatal(m, err)
	}
	if _, err := Latest(dir); !errors.Is(err, ErrNone) || err.Error() != "ckpt: "+dir+": no checkpoint in it" {
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
		if err != nil || name != filepath.Join(dir, Name(tt.step)) {
			t.Fatalf("step %d: %s, %v", tt.step, name, err)
		}
		if got := bases(t, dir); got != tt.want {
			t.Errorf("after step %d: %s, want %s", tt.step, got, tt.want)
		}
	}
	if best, err := Best(dir); err != nil || best != filepath.Join(dir, Name(600)) {
		t.Errorf("best %s, %v; want step 600", best, err)
	}
	if f, err := Latest(dir); err != nil || f.Dir != filepath.Join(dir, Name(800)) || f.State.Step != 800 || f.Skipped != nil {
		t.Errorf("latest %+v, %v", f, err)
	}
	if err := m.Rewind(600); err != nil || bases(t, dir) != "600" {
		t.Errorf("rewound to %s, %v; want 600", bases(t, dir), err)
	}
	if err := os.RemoveAll(filepath.Join(dir, Name(600))); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Save(sample(t, 700)); err != nil {
		t.Fatal(err)
	}
	_, err = Best(dir)
	at := filepath.Join(dir, Name(700))
	if want := "ckpt: " + dir + ": no checkpoint: by " + at + " the best was step 600, which is not there; use Checkpoint " + at; !errors.Is(err, ErrNone) || err.Error() != want {
		t.Errorf("a best that is gone: %v\nwant %s", err, want)
	}
}

func TestManagerKeepsAll(t *testing.T) {
	m, err := OpenManager(t.TempDir(), 0)
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
	if got := bases(t, m.Dir()); got != " 1 2 3 4" {
		t.Errorf("kept %q, want all five", got)
	}
	if best, err := Best(m.Dir()); err != nil || best != filepath.Join(m.Dir(), Name(4)) {
		t.Errorf("without an evaluation the best is %s, %v; want the latest", best, err)
	}
}

// A run resumed at 200 because 300 was damaged keeps what it saves, whatever stands further on.
func TestManagerDamagedFuture(t *testing.T) {
	m, err := OpenManager(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Save(sample(t, 300)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(m.Dir(), Name(300), WeightsFile), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := Latest(m.Dir()); !errors.Is(err, ErrNone) || !errors.Is(err, ErrDamaged) {
		t.Errorf("all damaged: %v", err)
	}
	for _, step := range []int64{200, 250} {
		if _, err := m.Save(sample(t, step)); err != nil {
			t.Fatal(err)
		}
		f, err := Latest(m.Dir())
		if err != nil || f.State.Step != step || len(f.Skipped) != 1 {
			t.Errorf("latest %+v, %v; want step %d and a warning", f, err, step)
		}
	}
	if _, err := m.Save(sample(t, 300)); err != nil {
		t.Fatal(err)
	}
	if f, err := Latest(m.Dir()); err != nil || f.State.Step != 300 || f.Skipped != nil || bases(t, m.Dir()) != "300" {
		t.Errorf("latest %+v, %v; want a whole step 300 alone", f, err)
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
	if got := bases(t, dir); got != "5 9 99999999 100000000" {
		t.Errorf("listed %s", got)
	}
	if names, err := List(filepath.Join(dir, "none")); names != nil || err != nil {
		t.Errorf("no folder: %v, %v", names, err)
	}
	if _, err := OpenManager(dir, 1); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"notes", "step-00000001", "step-00000005", "step-00000009", "step-100000000", "step-99999999"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("recovered to %q, %v; want %q", names, err, want)
	}
}
