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
	best := impl(len(names) - 1)
	for v, want := range map[string]impl{"": best, "generic": generic, names[best]: best, "genric": best} {
		t.Setenv(env, v)
		if got := wanted(); got != want {
			t.Errorf("%s=%q: at most %v, want %v", env, v, got, want)
		}
	}
}

func TestForceGeneric(t *testing.T) {
	was := on
	restore := ForceGeneric(true)
	if on != generic || Name() != "generic" {
		t.Errorf("forced generic, but Name() = %q", Name())
	}
	inner := ForceGeneric(false) // must not turn on what an outer caller turned off
	if on != generic {
		t.Error("ForceGeneric(false) inside ForceGeneric(true) turned the assembly on")
	}
	inner()
	restore()
	if on != was {
		t.Errorf("restored to %v, want %v", on, was)
	}
}

func TestCheckEnv(t *testing.T) {
	for v, ok := range map[string]bool{"": true, "generic": true, names[len(names)-1]: true, "genric": false, "avx9": false} {
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
