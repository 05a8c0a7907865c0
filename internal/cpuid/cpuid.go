// Package cpuid detects which assembly this processor can run, and switches it on or off.
//
// The choice is made once, when the program starts, from the features of the processor and from the environment:
//
//	IMAGO_CPU=generic   no assembly, only Go
//	IMAGO_CPU=avx2      no AVX-512
//	IMAGO_CPU unset     the fastest assembly for this processor
//
// With the build tag purego, and on processors without assembly, the choice is always "generic". A package with assembly
// calls AVX2FMA and AVX512, or NEON, in every call of a kernel; this costs one load. EachImpl can therefore run a test with
// every implementation. The package must not know the kernels.
package cpuid

import (
	"fmt"
	"os"
	"slices"
)

// env is the environment variable that limits the choice.
const env = "IMAGO_CPU"

// An impl is a set of instructions for which there are kernels: an index of names. A larger one is faster and includes the
// smaller ones. The file of each architecture declares its sets.
type impl int

const generic impl = 0

func (i impl) String() string { return names[i] }

// active is the set that kernels use. After the start of the program, only ForceGeneric and EachImpl change it.
var active = min(available, allowed())

// allowed returns the largest set that the environment allows.
func allowed() impl {
	if i := slices.Index(names, os.Getenv(env)); i >= 0 {
		return impl(i)
	}
	return impl(len(names) - 1)
}

// Name returns the name of the set in use, for benchmarks and reports: "avx512", "avx2", "neon" or "generic".
func Name() string { return active.String() }

// CheckEnv returns an error if IMAGO_CPU has an unknown value. Such a value has no effect, so commands call CheckEnv at their
// start.
func CheckEnv() error {
	if v := os.Getenv(env); v != "" && !slices.Contains(names, v) {
		return fmt.Errorf("cpuid: %s=%q: want one of %q, or unset for the fastest of this processor", env, v, names)
	}
	return nil
}

// ForceGeneric turns the assembly off if off is true, and returns a function that restores the choice before. It serves tests.
// No kernel may run while the choice changes.
func ForceGeneric(off bool) (restore func()) {
	if !off {
		return limit(active)
	}
	return limit(generic)
}

// limit turns off all sets above i, and returns a function that restores the choice before.
func limit(i impl) (restore func()) {
	before := active
	active = min(before, i)
	return func() { active = before }
}

// A Runner runs f as a subtest. *testing.T and *testing.B are Runners.
type Runner[T any] interface {
	Run(name string, f func(T)) bool
}

// EachImpl calls f once with each set that this processor can run, the fastest first, in a subtest of t named what/avx2,
// what/generic, and so on. f must not start parallel subtests.
func EachImpl[T Runner[T]](t T, what string, f func(T)) {
	for i := active; i >= generic; i-- {
		t.Run(what+"/"+i.String(), func(t T) {
			defer limit(i)()
			f(t)
		})
	}
}
