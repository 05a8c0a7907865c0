package atomicfile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type row struct {
	Step int    `json:"step"`
	Pad  string `json:"pad,omitempty"`
}

func TestJSONL(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.jsonl")
	j := open(t, name)
	for i := range 5 {
		if err := j.Append(row{Step: i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Append(math.NaN()); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a NaN: error %v, want one with the file's name", err)
	}
	if err := j.Append("<&>"); err != nil {
		t.Fatal(err)
	}
	n, err := j.TruncateAfter(func(b []byte) bool {
		var r row
		return json.Unmarshal(b, &r) == nil && r.Step <= 2
	})
	if n != 3 || err != nil {
		t.Errorf("dropped %d lines, %v; want 3", n, err)
	}
	if err := j.Append(row{Step: 30}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	want := "{\"step\":0}\n{\"step\":1}\n{\"step\":2}\n{\"step\":30}\n"
	if got := read(t, name); got != want {
		t.Errorf("file holds\n%s\nwant\n%s", got, want)
	}
}

func TestJSONLPartialLine(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"whole", "{}\n1\n", "{}\n1\n"},
		{"partial line", "{}\n{\"step\": 1", "{}\n"},
		{"partial first line", "{\"st", ""},
		{"zeros after a power failure", "{}\n\x00\x00\x00\x00", "{}\n"},
		{"zeros and a newline", "{}\n\x00\x00\n", "{}\n"},
		{"damaged lines before the last are kept", "{}\n{]\n{}\n", "{}\n{]\n{}\n"},
		{"empty", "", ""},
		{"long lines", "\"" + strings.Repeat("x", 200_000) + "\"\n{\"a\":", "\"" + strings.Repeat("x", 200_000) + "\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "m.jsonl")
			if err := os.WriteFile(name, []byte(tt.file), 0o644); err != nil {
				t.Fatal(err)
			}
			j := open(t, name)
			defer j.Close()
			if err := j.Append(7); err != nil {
				t.Fatal(err)
			}
			if got := read(t, name); got != tt.want+"7\n" {
				t.Errorf("file holds %.80q, want %.80q and 7", got, tt.want)
			}
		})
	}
}

func TestJSONLTooLong(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(name, make([]byte, MaxLine+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJSONL(name); err == nil || !strings.Contains(err.Error(), name+": line 1: longer than") {
		t.Errorf("error %v, want the file, the line and the limit", err)
	}
	if st, err := os.Stat(name); err != nil || st.Size() != MaxLine+1 {
		t.Errorf("a file that is not a log was truncated to %d bytes", st.Size())
	}
}

func TestReadJSONLStops(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(name, []byte("1\n2\n3\n4"), 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	boom := errors.New("boom")
	err := ReadJSONL(name, func(b []byte) error {
		got = append(got, string(b))
		if len(got) == 3 {
			return boom
		}
		return nil
	})
	if !errors.Is(err, boom) || err.Error() != name+": line 3: boom" || strings.Join(got, " ") != "1 2 3" {
		t.Errorf("lines %q, error %v; want 1 2 3 and boom at line 3", got, err)
	}
}

const killEnv = "ATOMICFILE_KILL"

// TestJSONLKill kills a process that appends lines, some of them long, and checks that all lines except the last one are
// complete.
func TestJSONLKill(t *testing.T) {
	if name := os.Getenv(killEnv); name != "" {
		appendForever(name)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "m.jsonl")
	next := 0
	for round := range 5 {
		cmd := exec.Command(exe, "-test.run=^TestJSONLKill$")
		cmd.Env = append(os.Environ(), killEnv+"="+name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(out).ReadString('\n') // the process has started
		time.Sleep(time.Duration(1+7*round) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		open(t, name).Close()
		n := 0
		err = ReadJSONL(name, func(b []byte) error {
			var r row
			if err := json.Unmarshal(b, &r); err != nil || r.Step != n {
				return fmt.Errorf("step %d, %v; want step %d", r.Step, err, n)
			}
			n++
			return nil
		})
		if err != nil || n < next {
			t.Fatalf("round %d: %d lines, %v; want at least the %d of the round before", round, n, err, next)
		}
		next = n
	}
	if next == 0 {
		t.Error("no line was written, so the test shows nothing")
	}
}

func appendForever(name string) {
	j, err := OpenJSONL(name)
	if err != nil {
		panic(err)
	}
	n := 0
	ReadJSONL(name, func([]byte) error { n++; return nil })
	fmt.Println("started")
	for ; n < 1_000_000; n++ {
		if err := j.Append(row{Step: n, Pad: strings.Repeat("x", n%7*1000)}); err != nil {
			panic(err)
		}
		time.Sleep(50 * time.Microsecond) // limits the size of the file
	}
}

func open(t *testing.T, name string) *JSONL {
	t.Helper()
	j, err := OpenJSONL(name)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
