package runlog

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Processes come back as they were written; an old run has none, and a damaged file is an
// error that says what to do.
func TestProcesses(t *testing.T) {
	r := newRun(t, config("mlp-vae", small(20, 10)))
	if all, err := Processes(r.Dir); all != nil || err != nil {
		t.Errorf("a run without the file: %v, %v", all, err)
	}
	p := NewProcess([]string{"imago", "train"}, 2, 5)
	p.Started = p.Started.Add(-90 * time.Second)
	p.At(9)
	if p.From != 5 || p.Step != 9 || p.Seconds < 90 || p.Seconds > 1000 || p.Platform == "" || p.Imago == "" {
		t.Errorf("%+v", p)
	}
	q := p
	q.Ended = Complete
	if err := r.WriteProcesses([]Process{p, q}); err != nil {
		t.Fatal(err)
	}
	if all := must(Processes(r.Dir)); !reflect.DeepEqual(all, []Process{p, q}) {
		t.Errorf("%+v, want %+v", all, []Process{p, q})
	}
	if err := os.WriteFile(r.Path(ProcessesFile), []byte("[{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Processes(r.Dir); err == nil || !strings.Contains(err.Error(), r.Path(ProcessesFile)) {
		t.Errorf("a damaged file gave %v", err)
	}
}
