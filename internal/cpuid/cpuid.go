// Package cpuid says which assembly this processor can run and which of it is
// switched on.
//
// The choice is made once, when the program starts, from what the processor
// reports and from the environment:
//
//	IMAGO_CPU=generic   no assembly, the Go twins only
//	IMAGO_CPU=avx2      no AVX-512 where the processor has it
//	IMAGO_CPU unset     the best this processor has
//
// Under the purego build tag, and on processors without assembly of ours, the
// answer is always "generic". The package knows no kernel: packages with
// assembly ask AVX2FMA and AVX512, or NEON, whichever their architecture has, on
// every call (it is one load), which is what lets EachImpl run one test over
// every implementation.
package cpuid

import (
	"fmt"
	"os"
	"slices"
)

// env is the variable that overrides the choice.
const env = "IMAGO_CPU"

// An impl is a set of instructions that kernels are written for, by its place in
// names. Of two, the later is faster and includes the earlier. What there is beyond
// generic is the architecture's to say, in its own file.
type impl int

const generic impl = 0

func (i impl) String() string { return names[i] }

// on is the best that may run. It changes after start-up only through
// ForceGeneric and EachImpl.
var on = min(has, wanted())

// wanted returns what the environment allows.
func wanted() impl {
	if i := slices.Index(names, os.Getenv(env)); i >= 0 {
		return impl(i)
	}
	return impl(len(names) - 1)
}

// Name returns the implementation in use, for benchmarks and reports: "avx512", "avx2",
// "neon" or "generic".
func Name() string { return on.String() }

// CheckEnv returns an error when IMAGO_CPU is set to a value that means
// nothing. A misspelt value changes nothing, so a command asks once at start.
func CheckEnv() error {
	if v := os.Getenv(env); v != "" && !slices.Contains(names, v) {
		return fmt.Errorf("cpuid: %s=%q: want one of %q, or unset for the best this processor has", env, v, names)
	}
	return nil
}

// ForceGeneric turns the assembly off (off = true) or leaves the choice made at
// start (off = false), and returns a function that puts back what was before.
// It is for tests: nothing else may run kernels while the choice changes.
func ForceGeneric(off bool) (restore func()) {
	if !off {
		return limit(on)
	}
	return limit(generic)
}

// limit turns off all that is better than i.
func limit(i impl) (restore func()) {
	was := on
	on = min(was, i)
	return func() { on = was }
}

// A Runner runs f as a sub-test; *testing.T and *testing.B are Runners.
type Runner[T any] interface {
	Run(name string, f func(T)) bool
}

// EachImpl runs f once for every implementation this machine can run, the
// fastest first, each as a sub-test of t named what/avx2, what/generic and so on.
// f must not leave parallel sub-tests behind.
func EachImpl[T Runner[T]](t T, what string, f func(T)) {
	for i := on; i >= generic; i-- {
		t.Run(what+"/"+i.String(), func(t T) {
			defer limit(i)()
			f(t)
		})
	}
}
