package cpuid

import (
	"slices"
	"strings"
	"testing"
)

func TestEachImpl(t *testing.T) {
	was := active
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
	if active != was {
		t.Errorf("%v after EachImpl, %v before", active, was)
	}
}

func TestAllowed(t *testing.T) {
	best := impl(len(names) - 1)
	for v, want := range map[string]impl{"": best, "generic": generic, names[best]: best, "genric": best} {
		t.Setenv(env, v)
		if got := allowed(); got != want {
			t.Errorf("%s=%q: at most %v, want %v", env, v, got, want)
		}
	}
}

func TestForceGeneric(t *testing.T) {
	was := active
	restore := ForceGeneric(true)
	if active != generic || Name() != "generic" {
		t.Errorf("forced generic, but Name() = %q", Name())
	}
	inner := ForceGeneric(false) // must not turn on what an outer call has turned off
	if active != generic {
		t.Error("ForceGeneric(false) inside ForceGeneric(true) turned the assembly on")
	}
	inner()
	restore()
	if active != was {
		t.Errorf("restored to %v, want %v", active, was)
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
