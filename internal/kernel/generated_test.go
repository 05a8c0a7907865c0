package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The committed assembly is what the generators in _asm write.
func TestGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to run the generators with")
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.Command(goTool, args...)
		cmd.Dir = "_asm" // a module of its own, so that avo is no dependency of ours
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOOS=", "GOARCH=")
		return cmd.CombinedOutput()
	}
	if out, err := run("mod", "download", "github.com/mmcloughlin/avo"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("go mod download: %v\n%s", err, out)
		}
		t.Skipf("avo cannot be fetched: %v", err)
	}
	dir := t.TempDir()
	if out, err := run("run", ".", "-src", "..", "-out", dir); err != nil {
		t.Fatalf("go run ./_asm: %v\n%s", err, out)
	}
	want, err := filepath.Glob(filepath.Join(dir, "*.s"))
	if err != nil || len(want) == 0 {
		t.Fatalf("the generators wrote nothing (%v)", err)
	}
	have, err := filepath.Glob("*.s")
	if err != nil || len(have) != len(want) {
		t.Errorf("there are %d assembly files, the generators write %d (%v)", len(have), len(want), err)
	}
	for _, w := range want {
		name := filepath.Base(w)
		generated, err := os.ReadFile(w)
		if err != nil {
			t.Fatal(err)
		}
		if committed, err := os.ReadFile(name); err != nil || !bytes.Equal(committed, generated) {
			t.Errorf("%s is not what its generator writes; run go generate ./internal/kernel (%v)", name, err)
		}
	}
}
