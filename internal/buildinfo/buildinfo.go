// Package buildinfo says which imago this is: what `imago version` prints and what a run notes of the program that made
// it.
//
// It reads only what the go command stamps into the binary, and knows nothing else of the project.
package buildinfo

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Version returns the version of the module, as the go command stamps it: a release (v1.2.0), or for a checkout a
// pseudo-version with the time and hash of its commit and +dirty after local changes; "devel" where none was stamped,
// as in tests.
func Version() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return version(bi)
}

func version(bi *debug.BuildInfo) string {
	if v := bi.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	rev, dirty := "", ""
	for _, s := range bi.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	return "devel" + rev + dirty
}

// Go returns the version of the Go toolchain that built the binary: 1.26.0.
func Go() string { return strings.TrimPrefix(runtime.Version(), "go") }

// Platform returns what the binary was built for: linux/amd64.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }
