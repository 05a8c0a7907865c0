package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}}
	for _, tt := range []struct {
		stored   string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.0", vcs, "v1.2.0"},
		{"", nil, "devel"},
		{"(devel)", nil, "devel"},
		{"(devel)", vcs, "devel-0123456789ab+dirty"},
		{"", vcs[:1], "devel-0123456789ab"},
	} {
		bi := &debug.BuildInfo{Main: debug.Module{Version: tt.stored}, Settings: tt.settings}
		if got := version(bi); got != tt.want {
			t.Errorf("%q with %v: %q, want %q", tt.stored, tt.settings, got, tt.want)
		}
	}
	if Version() == "" {
		t.Error("the version is empty")
	}
}

func TestProcessor(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nmodel name\t: AMD  EPYC 7B13 \nmodel name\t: other\n": "AMD EPYC 7B13",
		"BogoMIPS\t: 50\n": "",
	} {
		if got := processor([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
