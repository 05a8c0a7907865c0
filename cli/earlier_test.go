package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/runtest"
)

// TestEarlierRun: a run that an earlier version made opens, draws what it drew then, goes on, is measured and exported.
func TestEarlierRun(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "run-v0")
	if err := os.CopyFS(dir, os.DirFS("testdata/run-v0")); err != nil {
		t.Fatal(err)
	}
	imago := func(args ...string) string {
		t.Helper()
		var out, messages bytes.Buffer
		if code := run(t.Context(), args, &out, &messages); code != 0 {
			t.Fatalf("imago %s: exit status %d\n%s%s", strings.Join(args, " "), code, &out, &messages)
		}
		return out.String()
	}
	sheet := filepath.Join(root, "sample.png")
	imago("sample", dir, "-n", "16", "--out", sheet, "--threads", "1")
	now, then := runtest.Picture(t, sheet), runtest.Picture(t, "testdata/run-v0-sample.png")
	if now.Bounds() != then.Bounds() {
		t.Fatalf("the sheet has bounds %v, then %v", now.Bounds(), then.Bounds())
	}
	b := now.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			v, _, _, _ := now.At(x, y).RGBA()
			w, _, _, _ := then.At(x, y).RGBA()
			// One level of 256: another processor may round a value to the other side.
			if d := int(v>>8) - int(w>>8); d < -1 || d > 1 {
				t.Fatalf("pixel (%d, %d) is %d, and was %d when the run was made", x, y, v>>8, w>>8)
			}
		}
	}
	if testing.Short() {
		return // what follows draws 70,000 digits
	}
	imago("train", "--resume", dir, "--epochs", "3", "--threads", "1")
	if have := imago("runs", "--out", root); !strings.Contains(have, "run-v0") || !strings.Contains(have, "3") {
		t.Errorf("imago runs prints\n%s", have)
	}
	imago("eval", dir, "--only", "test_loss", "--threads", "1")
	imago("export", dir, "--to", "onnx", "--out", filepath.Join(root, "onnx"))
	if files, err := filepath.Glob(filepath.Join(root, "onnx", "*.onnx")); err != nil || len(files) == 0 {
		t.Errorf("the export has no ONNX file (%v)", err)
	}
}

// A manual page has the parts that man expects, and nothing of a help text is obeyed as a command of the formatter.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	var out, messages bytes.Buffer
	if code := run(t.Context(), []string{"man", dir}, &out, &messages); code != 0 {
		t.Fatalf("exit status %d\n%s", code, &messages)
	}
	for _, c := range newApp(&bytes.Buffer{}, &bytes.Buffer{}).root().Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "imago-"+c.Name()+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, part := range []string{".TH IMAGO", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH EXAMPLES", ".BR imago (1)"} {
			if !strings.Contains(string(b), part) {
				t.Errorf("imago-%s.1 has no %q", c.Name(), part)
			}
		}
		for line := range strings.Lines(string(b)) {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name, ".") && !strings.Contains(" .TH .SH .B .BR .TP .PP .nf .fi ", " "+name+" ") {
				t.Errorf("imago-%s.1: the formatter would obey %q", c.Name(), line)
			}
		}
	}
	if got := roffText("a\n.b\n\n  c -d\\e"); got != "a\n\\&.b\n.PP\n.nf\n  c \\-d\\ee\n.fi\n" {
		t.Errorf("%q", got)
	}
}
