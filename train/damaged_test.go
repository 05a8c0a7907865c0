package train_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// Lines that are missing at the end of the log, which is cut between two of them, are told when the run goes on.
func TestCutLog(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "8"))
	trained(t, r, set, 2)
	good := string(runtest.Must(os.ReadFile(r.Path(runlog.MetricsFile))))
	lines := strings.SplitAfter(good, "\n")
	cut := strings.Join(lines[:len(lines)-2], "")
	if err := os.WriteFile(r.Path(runlog.MetricsFile), []byte(cut), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := train.Loop(context.Background(), newJob(t, r, set, 2, &out)); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%s has %s, and had %d when step", r.Path(runlog.MetricsFile), english.Plural(len(lines)-2, "line"), len(lines)-1); !strings.Contains(out.String(), want) {
		t.Errorf("a log that was cut is not told:\n%s\nwant %s", &out, want)
	}
}

// A damaged line in the midst of the log is no reason to drop what stands after it.
func TestDamagedLog(t *testing.T) {
	set := runtest.Must(runtest.Small(130, 40))
	r := runtest.NewRun(t, runtest.Config("mlp-vae", set, "hidden", "8"))
	trained(t, r, set, 2)
	good := string(runtest.Must(os.ReadFile(r.Path(runlog.MetricsFile))))
	lines := strings.SplitAfter(good, "\n")
	lines[1] = "x" + lines[1]
	bad := strings.Join(lines, "")
	if err := os.WriteFile(r.Path(runlog.MetricsFile), []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := train.Loop(context.Background(), newJob(t, r, set, 2, io.Discard))
	if err == nil || !strings.Contains(err.Error(), r.Path(runlog.MetricsFile)+": line 2: ") || !strings.HasSuffix(err.Error(), "delete that line") {
		t.Errorf("a damaged log gave %v", err)
	}
	if after := string(runtest.Must(os.ReadFile(r.Path(runlog.MetricsFile)))); after != bad {
		t.Errorf("the log was changed to %q", after)
	}
	if err := os.WriteFile(r.Path(runlog.MetricsFile), []byte(good+"x\n{"), 0o644); err != nil { // torn at its end
		t.Fatal(err)
	}
	trained(t, r, set, 2)
	if after := string(runtest.Must(os.ReadFile(r.Path(runlog.MetricsFile)))); after != good {
		t.Errorf("a torn log became %q, want %q", after, good)
	}
}
