package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The assembly files are the output of their generators.
func TestGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("no go command to run the generators with")
	}
	for _, tt := range []struct{ dir, arch, needs string }{
		{"_asm", "amd64", "github.com/mmcloughlin/avo"}, // a separate module, so that imago does not depend on avo
		{"_neon", "arm64", ""},
	} {
		t.Run(tt.arch, func(t *testing.T) {
			run := func(args ...string) ([]byte, error) {
				cmd := exec.Command(goTool, args...)
				cmd.Dir = tt.dir
				cmd.Env = append(os.Environ(), "GOWORK=off", "GOOS=", "GOARCH=")
				return cmd.CombinedOutput()
			}
			if tt.needs != "" {
				if out, err := run("mod", "download", tt.needs); err != nil {
					if os.Getenv("CI") != "" {
						t.Fatalf("go mod download: %v\n%s", err, out)
					}
					t.Skipf("%s cannot be fetched: %v", tt.needs, err)
				}
			}
			dir := t.TempDir()
			if out, err := run("run", ".", "-out", dir); err != nil {
				t.Fatalf("go run ./%s: %v\n%s", tt.dir, err, out)
			}
			compareFiles(t, dir, "*_"+tt.arch+".s")
		})
	}
}

// compareFiles compares the files of a pattern in this folder with those in dir.
func compareFiles(t *testing.T, dir, pattern string) {
	want, err := filepath.Glob(filepath.Join(dir, "*.s"))
	if err != nil || len(want) == 0 {
		t.Fatalf("the generators have written nothing (%v)", err)
	}
	have, err := filepath.Glob(pattern)
	if err != nil || len(have) != len(want) {
		t.Errorf("there are %d assembly files %s, the generators write %d (%v)", len(have), pattern, len(want), err)
	}
	for _, w := range want {
		name := filepath.Base(w)
		generated, err := os.ReadFile(w)
		if err != nil {
			t.Fatal(err)
		}
		if committed, err := os.ReadFile(name); err != nil || !bytes.Equal(committed, generated) {
			t.Errorf("%s is not the output of its generator; run go generate ./internal/kernel (%v)", name, err)
		}
	}
}
