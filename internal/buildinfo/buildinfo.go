// Package buildinfo returns the version of the binary, the Go version and the platform. The command imago version prints
// them, and a run records them.
//
// It reads the data that the go command stores in the binary, and must not know anything else of the project.
package buildinfo

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// Version returns the version of the module as the go command stores it. For a release this is its tag, such as v1.2.0. For a
// checkout it is a pseudo-version with the time and the hash of the commit, and +dirty after local changes. Without a stored
// version, as in tests, it is "devel".
func Version() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	return version(bi)
}

// version returns the version in bi.
func version(bi *debug.BuildInfo) string {
	if v := bi.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	if c := commit(bi); c != "" {
		return "devel-" + c
	}
	return "devel"
}

// Commit returns the first twelve digits of the commit that the go command stores in the binary, with +dirty after local changes; ""
// if it has stored none.
func Commit() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commit(bi)
}

// commit returns the commit in bi.
func commit(bi *debug.BuildInfo) string {
	rev, dirty := "", ""
	for _, s := range bi.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	return rev + dirty
}

// Go returns the version of the Go toolchain that has built the binary, such as 1.26.0.
func Go() string { return strings.TrimPrefix(runtime.Version(), "go") }

// Platform returns the operating system and the architecture of the binary, such as linux/amd64.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }
