package cpuid

import (
	"slices"
	"strings"
	"testing"
)

func TestEachImpl(t *testing.T) {
	was := AVX2FMA()
	var ran []string
	EachImpl(t, "what", func(t *testing.T) {
		ran = append(ran, Name())
		if on := strings.HasSuffix(t.Name(), "/avx2"); on != AVX2FMA() {
			t.Errorf("in %s AVX2FMA() = %v", t.Name(), AVX2FMA())
		}
	})
	want := []string{"generic"}
	if was {
		want = []string{"avx2", "generic"}
	}
	if !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	if AVX2FMA() != was {
		t.Errorf("AVX2FMA() = %v after EachImpl, %v before", AVX2FMA(), was)
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
	for v, ok := range map[string]bool{"": true, "generic": true, "genric": false, "avx9": false} {
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
