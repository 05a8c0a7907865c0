package zoo

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// hashes returns the SHA-256 of each file by hashes.txt.
func hashes(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("hashes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	of := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			t.Fatalf("hashes.txt: %q: want a SHA-256 and a name", lines.Text())
		}
		of[name] = sum
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return of
}

// most is the bytes that the models may add to the program.
const most = 6_000_000

// TestHashes checks that the stored files are those that were made, each a run, and small in all.
func TestHashes(t *testing.T) {
	want, total := hashes(t), int64(0)
	if len(want) != len(Models()) {
		t.Errorf("hashes.txt has %d files, and there are %d models", len(want), len(Models()))
	}
	for _, name := range Names() {
		b, err := stored.ReadFile(name + ".zip")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != want[name+".zip"] {
			t.Errorf("%s.zip has SHA-256 %s, hashes.txt has %q: make it by go run ./internal/zoo/make %s", name, got, want[name+".zip"], name)
		}
		total += Size(name)
		files, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = fs.ReadFile(files, name) // which compares its CRC-32
				names = append(names, name)
			}
			return err
		})
		if err != nil || !slices.Contains(names, "run.json") || !slices.Contains(names, "eval.json") {
			t.Errorf("%s: files %v, %v", name, names, err)
		}
	}
	if total > most {
		t.Errorf("the models take %d bytes in all, want %d or fewer", total, most)
	}
}

func TestUnknown(t *testing.T) {
	for _, name := range []string{"", "cnn", "../zoo/cnn-vae", "cnn-vae.zip"} {
		if _, err := Open(name); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "brings along zoo:cnn-vae") {
			t.Errorf("%q: %v, want fs.ErrNotExist and a list", name, err)
		}
	}
}
