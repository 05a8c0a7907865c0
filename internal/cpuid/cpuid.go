// Package cpuid says which assembly this processor can run and which of it is
// switched on.
//
// The choice is made once, when the program starts, from what the processor
// reports and from the environment:
//
//	IMAGO_CPU=generic   no assembly, the Go twins only
//	IMAGO_CPU unset     the best this processor has
//
// Under the purego build tag, and on processors without assembly of ours, the
// answer is always "generic". The package knows no kernel: packages with
// assembly ask AVX2FMA on every call (it is one load), which is what lets
// EachImpl run one test over every implementation.
package cpuid

import (
	"fmt"
	"os"
)

// env is the variable that overrides the choice.
const env = "IMAGO_CPU"

// avx2fma is whether AVX2 and FMA code is on. It changes after start-up only
// through ForceGeneric.
var avx2fma = hasAVX2FMA && os.Getenv(env) != "generic"

// AVX2FMA reports whether to run assembly that needs AVX2 and FMA.
func AVX2FMA() bool { return avx2fma }

// Name is the implementation in use, for benchmarks and reports: "avx2" or
// "generic".
func Name() string {
	if avx2fma {
		return "avx2"
	}
	return "generic"
}

// CheckEnv returns an error when IMAGO_CPU is set to a value that means
// nothing. A misspelt value changes nothing, so a command asks once at start.
func CheckEnv() error {
	switch v := os.Getenv(env); v {
	case "", "generic":
		return nil
	default:
		return fmt.Errorf("cpuid: %s=%q: want %q, or unset for the best this processor has", env, v, "generic")
	}
}

// ForceGeneric turns the assembly off (on = true) or leaves the choice made at
// start (on = false), and returns a function that puts back what was before.
// It is for tests: nothing else may run kernels while the choice changes.
func ForceGeneric(on bool) (restore func()) {
	was := avx2fma
	avx2fma = was && !on
	return func() { avx2fma = was }
}

// A Runner runs f as a sub-test; *testing.T and *testing.B are Runners.
type Runner[T any] interface {
	Run(name string, f func(T)) bool
}

// EachImpl runs f once for every implementation this machine can run, the
// fastest first, each as a sub-test of t named what/avx2, what/generic.
// f must not leave parallel sub-tests behind.
func EachImpl[T Runner[T]](t T, what string, f func(T)) {
	if avx2fma {
		t.Run(what+"/avx2", f)
	}
	t.Run(what+"/generic", func(t T) {
		defer ForceGeneric(true)()
		f(t)
	})
}
