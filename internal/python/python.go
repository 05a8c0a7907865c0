// Package python runs programs of Python in tests that compare imago with NumPy, SciPy or PyTorch. A test that needs a module
// begins with
//
//	p := python.With(t, "torch", "python3-torch")
//
// and is skipped where it is missing, but fails with CI=true, so that no job passes by skipping. Only tests may import
// this package. It must not know what is compared.
package python

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// An Interpreter is the command of a Python that has the modules asked for.
type Interpreter string

// With returns an interpreter that has modules, names with commas between; packages are those of Debian to install.
func With(t testing.TB, modules, packages string) Interpreter {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import "+modules).Run() == nil {
			return Interpreter(name)
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no python3 with %s, and CI=true: install %s", modules, packages)
	}
	t.Skipf("needs python3 with %s", modules)
	return ""
}

// Run runs a program with arguments in the folder dir and returns what it prints; the test fails if the program does.
func (p Interpreter) Run(t testing.TB, dir, program string, args ...string) string {
	t.Helper()
	c := exec.Command(string(p), append([]string{"-"}, args...)...)
	c.Dir, c.Stdin = dir, strings.NewReader(program)
	c.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "PYTHONDONTWRITEBYTECODE=1")
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		t.Fatalf("python: %v\n%s%s", err, &out, &messages)
	}
	return out.String()
}
