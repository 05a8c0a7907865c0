package atomicfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/disk/disktest"
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
	if err := j.Append(map[string]string{"a": "<&>"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, damage, err := OpenJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), func(b []byte) bool {
		var r row
		return json.Unmarshal(b, &r) == nil && r.Step <= 2 && !bytes.Contains(b, []byte("<&>"))
	})
	if damage != nil || err != nil {
		t.Fatal(damage, err)
	}
	if err := j.Append(row{Step: 30}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"step":0,"crc32c":"54b930f9"}
{"step":1,"crc32c":"a6d2b3fa"}
{"step":2,"crc32c":"b582400e"}
{"step":30,"crc32c":"ddf1bff0"}
`
	if got := read(t, name); got != want {
		t.Errorf("file holds\n%s\nwant\n%s", got, want)
	}
}

// What is not a whole good line at the end is removed, and told if it is more than a part of a line; a damaged line with
// one after it that is to be kept is an error, and the file stays as it was.
func TestJSONLDamage(t *testing.T) {
	good := string(sealed([]byte(`{"step":1}`)))
	later := string(sealed([]byte(`{"step":9}`)))
	flipped := strings.Replace(good, "1", "3", 1)
	long := "\"" + strings.Repeat("x", 200_000) + "\"\n"
	for _, tt := range []struct {
		name, file string
		damage     int    // line that is told; 0 = none
		want       string // "" = an error
	}{
		{"whole", "{}\n1\n", 0, "{}\n1\n"},
		{"partial line", "{}\n{\"step\": 1", 0, "{}\n"},
		{"partial first line", "{\"st", 0, "-"},
		{"zeros after a power failure", good + "\x00\x00\x00\x00", 0, good},
		{"zeros and a newline", good + "\x00\x00\n", 2, good},
		{"zeros and a newline, and a later line", good + "\x00\x00\n" + later, 2, good},
		{"zeros and a newline, and a line", good + "\x00\x00\n" + good, 2, ""},
		{"damaged lines before the last", "{}\n{]\n{}\n", 2, ""},
		{"a flipped digit", good + flipped + good, 2, ""},
		{"a flipped digit at the end", good + flipped, 2, good},
		{"a flipped digit in the checksum", good + strings.Replace(good, sumAfter, "x"+sumAfter, 1)[1:], 2, good},
		{"later lines", good + later + good, 0, good},
		{"long lines", long + "{\"a\":", 0, long},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "m.jsonl")
			if err := os.WriteFile(name, []byte(tt.file), 0o644); err != nil {
				t.Fatal(err)
			}
			at := fmt.Sprintf("%s: line %d: ", name, tt.damage)
			j, damage, err := OpenJSONL(disk.At(filepath.Dir(name)), "m.jsonl", func(b []byte) bool { return !bytes.Contains(b, []byte("9")) })
			if tt.want == "" {
				if got := read(t, name); !errors.Is(err, ErrDamaged) || !strings.HasPrefix(err.Error(), at) || got != tt.file {
					t.Errorf("error %v, want ErrDamaged in line %d; the file holds %q", err, tt.damage, got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if (damage != nil) != (tt.damage > 0) || damage != nil && (!errors.Is(damage, ErrDamaged) || !strings.HasPrefix(damage.Error(), at)) {
				t.Errorf("told %v, want line %d", damage, tt.damage)
			}
			if err := j.Append(row{Step: 1}); err != nil {
				t.Fatal(err)
			}
			if got := read(t, name); got != strings.Trim(tt.want, "-")+good {
				t.Errorf("file holds %.80q, want %.80q and a line", got, tt.want)
			}
		})
	}
}

func TestJSONLTooLong(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(name, make([]byte, MaxLine+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), nil); err == nil || !strings.Contains(err.Error(), name+": line 1: longer than") {
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
	err := ReadJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), func(b []byte) error {
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
		err = ReadJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), func(b []byte) error {
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
	j, _, err := OpenJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), nil)
	if err != nil {
		panic(err)
	}
	n := 0
	ReadJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), func([]byte) error { n++; return nil })
	fmt.Println("started")
	for ; n < 1_000_000; n++ {
		if err := j.Append(row{Step: n, Pad: strings.Repeat("x", n%7*1000)}); err != nil {
			panic(err)
		}
		time.Sleep(50 * time.Microsecond) // limits the size of the file
	}
}

// A line that any call on the disk refuses is not in the log, and the next one is.
func TestAppendFails(t *testing.T) {
	for at := 1; at < 9; at++ {
		sys := disktest.New()
		sys.Put("/d/m.jsonl", "")
		j, _, err := OpenJSONL(disk.On(sys, "/d"), "m.jsonl", nil)
		if err != nil {
			t.Fatal(err)
		}
		start := sys.Calls()
		sys.Before = func(op disktest.Op) error {
			if op.N == start+at {
				return syscall.EIO
			}
			return nil
		}
		want := ""
		for step := range 3 {
			if err := j.Append(row{Step: step}); err == nil {
				want += string(sealed(fmt.Appendf(nil, `{"step":%d}`, step)))
			} else if !errors.Is(err, syscall.EIO) {
				t.Errorf("call %d fails: %v", at, err)
			}
		}
		if got := sys.Files()["/d/m.jsonl"]; got != want {
			t.Errorf("call %d fails: the log holds %q, want %q", at, got, want)
		}
	}
}

func open(t *testing.T, name string) *JSONL {
	t.Helper()
	j, _, err := OpenJSONL(disk.At(filepath.Dir(name)), filepath.Base(name), nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
