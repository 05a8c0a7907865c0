package cli

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/imago-ml/imago/internal/screen"
)

// A hostile name holds what a terminal or a shell obeys: ESC, BEL, CR, a C1 control, a change of direction, a quote.
func hostile(name string) string { return name + "\x1b]0;t\a\r\u009b2J\u202e\u2066'; $(x)" }

// clean runs a command line and fails if it prints what a terminal obeys. It returns the two streams and the exit status.
func clean(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(context.Background(), args, &out, &err)
	for _, s := range []string{out.String(), err.String()} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return screen.Unsafe(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%q prints %q", args, s)
		}
	}
	return out.String(), err.String(), status
}

// Names from files and folders, and a configuration from a stranger, reach no terminal as they are; files and data on
// standard output have the true bytes.
func TestHostileNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its files have no such names")
	}
	t.Chdir(t.TempDir())
	photos := hostile("photos")
	for i := range 24 {
		dir := filepath.Join(photos, hostile([]string{"bars", "dots"}[i%2]))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		img := image.NewGray(image.Rect(0, 0, 8, 8))
		img.SetGray(i%8, i%7, color.Gray{Y: 200})
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d", i)+hostile("\x9b\xff")+".png"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	bad := filepath.Join(photos, hostile("bad")+".png")
	if err := os.WriteFile(bad, []byte("\x1b[2J no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	train := func(more ...string) []string {
		return append([]string{"train", "m2", "--data", photos, "--latent", "2", "--class-hidden", "8", "--labelled", "8", "--labelled-batch", "8", "--epochs", "1", "--batch", "8", "--pictures-every", "-1", "--test-fraction", "0.3", "--out", hostile("runs"), "--name", "r"}, more...)
	}
	if _, stderr, status := clean(t, train()...); status != 1 || !strings.Contains(stderr, `bad\x1b]0;t\a\r`) {
		t.Errorf("%d: %s: want the bad image named", status, stderr)
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := clean(t, train()...); status != 0 {
		t.Fatal(stderr)
	}
	r := filepath.Join(hostile("runs"), "r")
	stdout, stderr, status := clean(t, "classify", r, "--predictions", "p.csv")
	if status != 0 || !strings.Contains(stdout, `bars\x1b]0;t\a\r`) {
		t.Errorf("%d: %s%s", status, stdout, stderr)
	}
	if b, err := os.ReadFile("p.csv"); err != nil || !bytes.Contains(b, []byte(hostile("dots"))) {
		t.Errorf("p.csv is %q, %v: want the true names", b, err)
	}
	for _, args := range [][]string{{"runs", "--out", hostile("runs")}, {"classify", hostile("none")}, {"eval", r, "--only", "mse"}, {"sample", r, "-n", "1", "--out", hostile("out") + ".png"}, {"fit-prior", r}, {hostile("word")}, {"train", hostile("recipe")}, {"sample", r, "--" + hostile("flag")}} {
		clean(t, args...)
	}
	var out, errs bytes.Buffer
	if status := run(context.Background(), []string{"classify", r, "--predictions", "-"}, &out, &errs); status != 0 || !strings.Contains(out.String(), hostile("dots")) {
		t.Errorf("%d: %q: want the true names", status, out.String())
	}
	// A name with a newline forges no line.
	if stdout, _, status := clean(t, "sample", r, "-n", "1", "--out", "a\nwrote b.png: 9 images.png"); status != 0 || !strings.Contains(stdout, `wrote a\nwrote b.png`) {
		t.Errorf("%d: %q", status, stdout)
	}
	// A proposed command is the same run for a shell.
	if err := os.RemoveAll(filepath.Join(r, "checkpoints")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(r, "checkpoints"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, stderr, _ := clean(t, "sample", r); !strings.Contains(stderr, "imago train --resume "+screen.ShellName(r)) {
		t.Errorf("%s: want a command for a shell", stderr)
	}
	// run.json of a stranger.
	config := filepath.Join(r, "run.json")
	b, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(b, []byte(`"recipe": "m2"`), []byte(`"recipe": "m2\u001b]0;t\u0007\u202e; rm -rf ~"`), 1), 0o666); err != nil {
		t.Fatal(err)
	}
	clean(t, "runs", "--out", hostile("runs"))
	clean(t, "sample", r)
	clean(t, "train", "--resume", r)
}
