package runlog

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/fuzzed"
)

// FuzzProcesses checks that processes.json of any content is refused, or is a list that can be written again and asked.
func FuzzProcesses(f *testing.F) {
	f.Add([]byte{}, []byte("[]"))
	f.Add([]byte("\x02\x03\x05"), []byte{})
	f.Add([]byte{}, []byte(`[{"started":"2026-01-01T00:00:00Z","seconds":1e308,"pid":-1,"threads":-5}]`))
	run := disk.At(f.TempDir())
	f.Fuzz(func(t *testing.T, b, file []byte) {
		if len(file) == 0 {
			c := fuzzed.New(b)
			one := map[string]any{"started": "2026-12-01T01:02:03.004Z", "seconds": 1.5, "from": 0, "step": 7, "ended": Complete, "warnings": []any{"w"}, "command": []any{"imago", "train"}, "pid": 1, "birth": "7"}
			all := []any{one, one}
			for range c.Below(5) {
				c.Change(one)
			}
			var err error
			if file, err = json.Marshal(all[:c.Below(3)]); err != nil {
				t.Skip()
			}
		}
		if err := os.WriteFile(run.Path(ProcessesFile), file, 0o666); err != nil {
			t.Fatal(err)
		}
		all, err := ProcessesIn(run)
		if err != nil {
			return
		}
		for i := range all {
			all[i].Running()
			all[i].At(1)
		}
		if _, err := json.Marshal(all); err != nil {
			t.Errorf("%q: it cannot be written again: %v", file, err)
		}
	})
}
