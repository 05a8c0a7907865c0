package onnxtest

import (
	_ "embed"
	"os"
	"os/exec"
	"testing"
)

//go:embed check.py
var checker string

// Check runs the checker of Python's onnx on the models in files, in full mode: the shapes that it infers must be those
// that the files say. Without the package the test goes on, and fails if CI is true.
func Check(t testing.TB, files []string) {
	t.Helper()
	python := "/usr/bin/python3" // that of the system, whose package it is
	if err := exec.Command(python, "-c", "import onnx").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s has no package onnx: .ci/run installs it: %v", python, err)
		}
		t.Logf("%s has no package onnx: the files are not checked", python)
		return
	}
	if out, err := exec.Command(python, append([]string{"-c", checker}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("the checker of onnx: %v\n%s", err, out)
	}
}
