package studio

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/live"
	"github.com/imago-ml/imago/train/runlog"
)

// A written notes when the lines of epochs were in the log.
type written struct {
	train.Base
	mu sync.Mutex
	at map[int64]time.Time // by step
}

// Epoch is called after a checkpoint was saved, which takes time after the line: the time of the line is that of the file.
func (w *written) Epoch(_ context.Context, v *train.View, l runlog.Line) error {
	st, err := os.Stat(v.Run().Path(runlog.MetricsFile))
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[l.Step] = st.ModTime()
	return nil
}

// when returns when the line of a step was written.
func (w *written) when(step int64) (at time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok = w.at[step]
	return at, ok
}

// TestFollow follows a training from its start: its lines and its weights come as they are written, what the page computes of the
// weights is what the engine has, and at the end it is complete.
func TestFollow(t *testing.T) {
	folder := t.TempDir()
	c := openPage(t, folder)
	events := c.listen("")
	written := &written{at: map[int64]time.Time{}}
	var work sync.WaitGroup
	work.Go(func() {
		trained(t, folder, "run", "mlp-vae", 12, live.New(), &slowSteps{each: 100 * time.Millisecond}, written)
	})
	came := map[int64]time.Time{}
	weights, lines, version := 0, 0, ""
	deadline := time.After(2 * time.Minute)
	watch := time.NewTicker(time.Second)
	defer watch.Stop()
	state := ""
	for state != stateComplete {
		select {
		case <-deadline:
			t.Fatalf("the training does not end: %d lines, %d weights, %s", lines, weights, state)
		case <-watch.C:
			c.want(200, "POST", "/api/watch", map[string]any{"runs": []string{"run", "zoo:cnn-vae", "nothing"}})
		case e, ok := <-events:
			if !ok {
				t.Fatal("the stream of events ends")
			}
			switch e["type"] {
			case "run":
				run := e["run"].(map[string]any)
				if run["id"] == "run" {
					state = run["state"].(string)
				}
			case "line":
				line := e["line"].(map[string]any)
				lines++
				came[int64(line["step"].(float64))] = time.Now()
			case "weights":
				weights++
				status, b, h := c.ask("GET", "/api/runs/run/weights?at=live", nil)
				if status != 200 || len(b) == 0 || version != "" && h.Get("Imago-Version") != version {
					t.Errorf("live weights: %d, %d bytes, version %s after %s", status, len(b), h.Get("Imago-Version"), version)
				}
				version = h.Get("Imago-Version")
				c.want(200, "GET", "/api/runs/run/model?at=live", nil)
				c.want(200, "GET", "/api/runs/run/samples.png?at=live&n=4", nil)
			}
		}
	}
	work.Wait()
	if lines < 12 || weights == 0 {
		t.Errorf("%d lines and %d weights of 12 epochs", lines, weights)
	}
	var late []time.Duration
	for step, at := range came {
		if wrote, ok := written.when(step); ok {
			late = append(late, at.Sub(wrote).Round(time.Millisecond))
		}
	}
	t.Logf("lines came after %v", late)
	var run Run
	c.read("/api/runs/run", &run)
	if run.State != stateComplete || run.Epoch != 12 || len(run.Processes) != 1 || run.Processes[0].Ended != runlog.Complete {
		t.Errorf("%+v", run)
	}
	_, _, h := c.ask("GET", "/api/runs/run/weights?at=latest", nil)
	if h.Get("Imago-Version") != version {
		t.Errorf("the program of the last checkpoint is %s, of the training %s", h.Get("Imago-Version"), version)
	}
	var curves Curves
	c.read("/api/runs/run/curves", &curves)
	if n := len(curves.Epochs.Step); n != 12 || len(curves.Epochs.Test["test_loss"]) != n || curves.Epochs.Seconds[0] <= 0 {
		t.Errorf("%+v", curves.Epochs)
	}
}

// slowSteps makes steps last.
type slowSteps struct {
	train.Base
	each time.Duration
}

func (s *slowSteps) Step(*train.View, train.Step) { time.Sleep(s.each) }

// TestEvents checks that a stream goes on where another has ended, and says where it cannot.
func TestEvents(t *testing.T) {
	c := openPage(t, t.TempDir())
	first := c.listen("")
	for i := range 5 {
		c.studio.events.send(event{Type: "codes", ID: fmt.Sprint(i)})
	}
	var ids []string
	for range 5 {
		ids = append(ids, await(t, first, "codes")["event id"].(string))
	}
	again := c.listen(ids[2])
	for i := 3; i < 5; i++ {
		if e := await(t, again, "codes"); e["id"] != fmt.Sprint(i) {
			t.Errorf("after event 2 comes %v, want %d", e, i)
		}
	}
	await(t, c.listen("12"), "reset") // of an earlier studio
	var tabs []<-chan map[string]any
	for range 12 {
		tabs = append(tabs, c.listen(""))
	}
	for range 20 { // all are there when each has had one
		c.studio.events.send(event{Type: "removed", ID: "y"})
		time.Sleep(5 * time.Millisecond)
	}
	for _, tab := range tabs {
		await(t, tab, "removed")
	}
	for range 3 * mostEvents {
		c.studio.events.send(event{Type: "codes", ID: "x"})
	}
	await(t, c.listen(ids[0]), "reset") // too long ago
}

// TestCutLog checks that a log that is cut and grows again, as that of a resumed run, is read anew.
func TestCutLog(t *testing.T) {
	folder := t.TempDir()
	trained(t, folder, "run", "mlp-vae", 3)
	c := openPage(t, folder)
	name := filepath.Join(folder, "run", runlog.MetricsFile)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	epochs := func(want int) {
		t.Helper()
		var curves Curves
		c.read("/api/runs/run/curves", &curves)
		var run Run
		c.read("/api/runs/run", &run)
		if len(curves.Epochs.Step) != want || len(run.Spark) != want {
			t.Errorf("%d epochs and %d points, want %d", len(curves.Epochs.Step), len(run.Spark), want)
		}
	}
	epochs(3)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for _, step := range []struct {
		b    []byte
		want int
	}{
		{bytes.Join(lines[:1], nil), 1},
		{whole, 3},
		{append(bytes.Join(lines[1:], nil), lines[0]...), 3}, // as long as before, but another
		{whole[:len(whole)-5], 2},                            // the last line is being written
		{nil, 0},
	} {
		if err := os.WriteFile(name, step.b, 0o666); err != nil {
			t.Fatal(err)
		}
		epochs(step.want)
	}
	damaged := bytes.Replace(whole, []byte(`"epoch":2`), []byte(`"epoch":7`), 1)
	if err := os.WriteFile(name, damaged, 0o666); err != nil {
		t.Fatal(err)
	}
	var run Run
	c.read("/api/runs/run", &run)
	if run.State != stateDamaged || run.Fault == "" {
		t.Errorf("a damaged log: %s %q", run.State, run.Fault)
	}
}

// TestManyEpochs checks that of a log of very many epochs and warnings some are told of, and how many there are; and that the
// time of training is that of all.
func TestManyEpochs(t *testing.T) {
	folder := t.TempDir()
	trained(t, folder, "run", "mlp-vae", 2)
	const n = 3*mostPoints + 7
	var b bytes.Buffer
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, `{"kind":"epoch","epoch":%d,"step":%[1]d,"images":%[1]d,"test":{"test_loss":%[1]d},"seconds":1,"warnings":[{"metric":"w%[1]d"}]}`+"\n", i)
	}
	if err := os.WriteFile(filepath.Join(folder, "run", runlog.MetricsFile), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	c := openPage(t, folder)
	var curves Curves
	c.read("/api/runs/run/curves", &curves)
	s := curves.Epochs
	if k := len(s.Step); k > mostPoints || k < mostPoints/2 || curves.EveryEpoch != 4 || s.Step[k-1] != n || s.Seconds[k-1] != n || s.Seconds[1] != 5 {
		t.Errorf("one of %d: %d of %d epochs, the last of step %d after %v s", curves.EveryEpoch, k, n, s.Step[k-1], s.Seconds[k-1])
	}
	var run Run
	c.read("/api/runs/run", &run)
	if k := len(run.Warnings); k != mostWarnings || run.Earlier != n-k || run.Warnings[k-1].Step != n {
		t.Errorf("%d warnings and %d earlier ones", k, run.Earlier)
	}
}

// TestLongLog reads a log of 10^6 lines of steps within two seconds of a machine of its own.
func TestLongLog(t *testing.T) {
	if testing.Short() {
		t.Skip("a log of 200 MB")
	}
	folder := t.TempDir()
	trained(t, folder, "run", "mlp-vae", 2)
	f, err := os.Create(filepath.Join(folder, "run", runlog.MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	const n, perEpoch = 1_000_000, 10_000
	w := bufio.NewWriterSize(f, 1<<20)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(w, `{"kind":"step","epoch":%d,"step":%d,"images":%d,"train":{"loss":%.4f,"reconstruction":100.25,"kl":5.5,"grad_norm":30.125},"lr":0.001,"images_per_s":5000.5,"waited_s":0.01,"seconds":2.5}`+"\n", (i-1)/perEpoch+1, i*100, i*6400, 100+math.Sin(float64(i)))
		if i%perEpoch == 0 {
			fmt.Fprintf(w, `{"kind":"epoch","epoch":%d,"step":%d,"images":%d,"train":{"loss":101.5},"test":{"test_loss":102.5},"unit_kl":[1.5,2.5],"lr":0.001,"images_per_s":5000.5,"waited_s":0.01,"seconds":25}`+"\n", i/perEpoch, i*100, i*6400)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	c := openPage(t, folder)
	began := time.Now()
	var curves Curves
	c.read("/api/runs/run/curves?points=2000", &curves)
	took := time.Since(began)
	t.Logf("%d of 10^6 lines, one of %d, and %d epochs after %v", len(curves.Steps.Step), curves.Every, len(curves.Epochs.Step), took)
	if s := curves.Steps.Step; curves.Every != 500 || len(s) < 2000 || s[0] != 100 || s[len(s)-1] != n*100 || len(curves.Epochs.Step) != n/perEpoch {
		t.Errorf("one of %d: %d lines, %d epochs", curves.Every, len(s), len(curves.Epochs.Step))
	}
	if took > 20*time.Second { // ten times what it takes on a machine that does nothing else
		t.Errorf("it took %v", took)
	}
	c.read("/api/runs/run/curves?points=100&from=5000000&to=6000000", &curves)
	if s := curves.Steps.Step; s[0] != 5000000 || s[len(s)-1] != 6000000 || curves.Every != 101 {
		t.Errorf("a part: one of %d, from %d to %d", curves.Every, s[0], s[len(s)-1])
	}
}

// TestManyRuns lists 500 runs.
func TestManyRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("500 runs")
	}
	folder := t.TempDir()
	trained(t, folder, "run", "mlp-vae", 3)
	for i := range 499 {
		if out, err := exec.Command("cp", "-r", filepath.Join(folder, "run"), filepath.Join(folder, fmt.Sprintf("run-%03d", i))).CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
	}
	c := openPage(t, folder)
	for _, what := range []string{"first", "second"} {
		began := time.Now()
		var list []RunSummary
		c.read("/api/runs", &list)
		took := time.Since(began)
		t.Logf("the %s time after %v", what, took)
		if len(list) < 500 || took > 10*time.Second { // ten times what is promised of a machine that does nothing else
			t.Errorf("%d runs after %v", len(list), took)
		}
	}
}
