package cpuid

import (
	"slices"
	"strings"
	"testing"
)

func TestEachImpl(t *testing.T) {
	was := on
	var ran []string
	EachImpl(t, "what", func(t *testing.T) {
		ran = append(ran, Name())
		if !strings.HasSuffix(t.Name(), "/"+Name()) {
			t.Errorf("in %s the implementation is %s", t.Name(), Name())
		}
		if AVX2FMA() != (Name() != "generic") || AVX512() != (Name() == "avx512") {
			t.Errorf("%s: AVX2FMA() = %v, AVX512() = %v", Name(), AVX2FMA(), AVX512())
		}
	})
	want := slices.Clone(names[:was+1])
	slices.Reverse(want)
	if !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	if on != was {
		t.Errorf("%v after EachImpl, %v before", on, was)
	}
}

func TestWanted(t *testing.T) {
	for v, want := range map[string]impl{"": avx512, "generic": generic, "avx2": avx2, "avx512": avx512, "genric": avx512} {
		t.Setenv(env, v)
		if got := wanted(); got != want {
			t.Errorf("%s=%q: at most %v, want %v", env, v, got, want)
		}
	}
}

func TestForceGeneric(t *testing.T) {
	was := AVX2FMA()
	restore := ForceGeneric(true)
	if AVX2FMA() || Name() != "generic" {
		t.Errorf("forced generic, but AVX2FMA() = %v, Name() = %q", AVX2FMA(), Name())
	}
	inner := ForceGeneric(false) // must not turn on what an outer caller turned off
	if AVX2FMA() {
		t.Error("ForceGeneric(false) inside ForceGeneric(true) turned the assembly on")
	}
	inner()
	restore()
	if AVX2FMA() != was {
		t.Errorf("restored to %v, want %v", AVX2FMA(), was)
	}
}

func TestCheckEnv(t *testing.T) {
	for v, ok := range map[string]bool{"": true, "generic": true, "avx2": true, "avx512": true, "genric": false, "avx9": false} {
		t.Setenv(env, v)
		err := CheckEnv()
		if (err == nil) != ok {
			t.Errorf("%s=%q: CheckEnv() = %v", env, v, err)
		}
		if err != nil && !strings.Contains(err.Error(), v) {
			t.Errorf("%s=%q: %q does not name the value", env, v, err)
		}
	}
}
