package memory

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMeminfo(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable:  500 kB\n": 500 << 10,
		"MemTotal:  1000 kB\nMemFree: 10 kB\n":                        1000 << 10,
		"MemTotal: many kB\n":                                         0,
		"":                                                            0,
	} {
		if got := meminfo(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if machine() <= 0 {
		t.Error("the memory of this machine is not known")
	}
}

func TestGroupLimit(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b/memory.max", "max\n")
	write("a/memory.max", "3000000\n")
	write("memory/x/memory.limit_in_bytes", "9223372036854771712\n")
	write("memory/memory.limit_in_bytes", "2000000\n")
	for text, want := range map[string]int64{
		"0::/a/b\n":                              3000000, // of the group around it
		"0::/\n":                                 0,
		"0::/../../host/path\n5:cpu,memory:/x\n": 2000000,
		"5:cpu:/x\n":                             0,
		"nonsense\n":                             0,
		"0::/a\n1:memory:/gone\n":                2000000, // the path is that of the host: the root is the group
	} {
		if got := groupLimit(root, text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
