//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imago-ml/imago/train/runlog"
)

// A studioProcess is the program imago studio and a browser that is logged in.
type studioProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	client *http.Client
	base   string
	out    *bytes.Buffer // what it printed
	ended  chan error
}

// startStudio starts imago studio on the folder runs of dir.
func startStudio(t *testing.T, dir string, args ...string) *studioProcess {
	t.Helper()
	program, err := exec.LookPath("imago") // TestMain has put this test binary there
	if err != nil {
		t.Fatal(err)
	}
	s := &studioProcess{t: t, out: &bytes.Buffer{}, ended: make(chan error, 1)}
	s.cmd = exec.Command(program, append([]string{"studio", "runs", "--no-open"}, args...)...)
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "IMAGO_DATA=", "IMAGO_MIRROR=http://127.0.0.1:1")
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, s.out)
	}
	go func() {
		_, err := io.Copy(io.Discard, lines)
		if e := s.cmd.Wait(); e != nil {
			err = e
		}
		s.ended <- err
	}()
	t.Cleanup(func() { s.cmd.Process.Kill() })
	url := regexp.MustCompile(`http://\S+`).FindString(first)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client, s.base = &http.Client{Jar: jar}, url[:strings.Index(url, "/?")]
	resp, err := s.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("the page: %s", resp.Status)
	}
	return s
}

// ask returns the answer to a request of the page, read into a value if it is not nil.
func (s *studioProcess) ask(method, path, body string, into any) int {
	s.t.Helper()
	req, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Origin", s.base)
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("%v: %s", err, s.out)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			s.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
		}
	}
	return resp.StatusCode
}

// do makes a request that is to succeed.
func (s *studioProcess) do(method, path, body string) {
	s.t.Helper()
	var answer any
	if status := s.ask(method, path, body, &answer); status != 200 {
		s.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
}

// A runRow is what the test reads of a run.
type runRow struct {
	State string
	Epoch int
	Step  int64
	Fault string
}

// until waits until a run is in a state and has as many epochs.
func (s *studioProcess) until(run, state string, epochs int) runRow {
	s.t.Helper()
	var row runRow
	for range 1800 {
		s.ask("GET", "/api/runs/"+run, "", &row)
		if row.State == state && row.Epoch >= epochs {
			return row
		}
		time.Sleep(100 * time.Millisecond)
	}
	var jobs any
	s.ask("GET", "/api/jobs", "", &jobs)
	s.t.Fatalf("%s is %+v, want %s with %d epochs; jobs %v", run, row, state, epochs, jobs)
	return row
}

// TestStudioTrains trains from the page: one training runs and another waits; the studio is killed, and the training goes on; the
// next studio finds both; the training is stopped, the other one begins, is paused, resumed and stopped, and is not deleted meanwhile.
func TestStudioTrains(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	dir := t.TempDir()
	s := startStudio(t, dir)
	const training = `{"recipe": "mlp-vae", "data": "digits", "name": %q, "options": {"limit": "300", "epochs": "100000", "hidden": "16", "pictures-every": "-1"}}`
	var checked struct {
		Errors  []struct{ Field, Text string }
		Memory  *float64
		Command string
	}
	s.ask("POST", "/api/jobs/check", strings.Replace(fmt.Sprintf(training, "one"), `"16"`, `"zero"`, 1), &checked)
	if len(checked.Errors) != 1 || checked.Errors[0].Field != "hidden" {
		t.Errorf("a bad option: %+v", checked)
	}
	s.ask("POST", "/api/jobs/check", fmt.Sprintf(training, "one"), &checked)
	if want := "imago train mlp-vae --data digits --name one --out runs --epochs 100000 --hidden 16 --limit 300 --pictures-every=-1"; checked.Command != want || checked.Memory == nil {
		t.Errorf("%+v, want %s", checked, want)
	}
	s.do("POST", "/api/jobs", fmt.Sprintf(training, "one"))
	s.do("POST", "/api/jobs", fmt.Sprintf(training, "two"))
	if status := s.ask("POST", "/api/jobs", fmt.Sprintf(training, "two"), nil); status != 422 {
		t.Errorf("a name that is taken: %d", status)
	}
	before := s.until("one", "training", 1)
	s.until("two", "waiting", 0)

	s.cmd.Process.Kill()
	<-s.ended
	processes, err := runlog.Processes(filepath.Join(dir, "runs", "one"))
	if err != nil || len(processes) != 1 || !processes[0].Running() {
		t.Fatalf("the training ended with the studio: %+v, %v", processes, err)
	}
	t.Cleanup(func() { syscall.Kill(processes[0].PID, syscall.SIGKILL) })
	if sid, err := syscall.Getpgid(processes[0].PID); err != nil || sid != processes[0].PID {
		t.Errorf("the training is of group %d, %v", sid, err)
	}
	s = startStudio(t, dir)
	after := s.until("one", "training", before.Epoch+1)
	if after.Step <= before.Step {
		t.Errorf("%+v after %+v", after, before)
	}
	var jobs []struct{ Run, State string }
	s.ask("GET", "/api/jobs", "", &jobs)
	if fmt.Sprint(jobs) != "[{one running} {two waiting}]" {
		t.Errorf("jobs %v", jobs)
	}
	if status := s.ask("DELETE", "/api/runs/one", "", nil); status != 409 {
		t.Errorf("a run in training is deleted: %d", status)
	}
	if other := exec.Command(s.cmd.Path, "studio", "runs", "--no-open"); true {
		other.Dir = dir
		if out, err := other.CombinedOutput(); err == nil || !strings.Contains(string(out), "another studio") {
			t.Errorf("a second studio on the folder: %v, %s", err, out)
		}
	}
	s.do("POST", "/api/runs/one/stop", "")
	stopped := s.until("one", "stopped", 1)
	s.until("two", "training", 1)
	s.do("POST", "/api/runs/two/pause", "")
	paused := s.until("two", "paused", 1)
	s.do("POST", "/api/runs/two/resume", "")
	s.until("two", "training", paused.Epoch+1)
	s.do("POST", "/api/runs/two/stop", "")
	s.until("two", "stopped", 1)
	s.do("POST", "/api/runs/one/resume", `{"epochs": 100001}`)
	s.until("one", "training", stopped.Epoch+1)

	// Ctrl-C ends the studio, which says that the training goes on.
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil || !strings.Contains(s.out.String(), "one goes on without the studio") {
		t.Errorf("%v: %s", err, s.out)
	}
	if processes, err = runlog.Processes(filepath.Join(dir, "runs", "one")); err != nil || !processes[len(processes)-1].Running() {
		t.Fatalf("the training ended with the studio: %+v, %v", processes, err)
	}
	pid := processes[len(processes)-1].PID
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })

	// With --stop-with-studio the training that it finds ends with it.
	s = startStudio(t, dir, "--stop-with-studio")
	s.until("one", "training", 1)
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil || !strings.Contains(s.out.String(), "one is saved and ends") {
		t.Errorf("%v: %s", err, s.out)
	}
	if processes, err = runlog.Processes(filepath.Join(dir, "runs", "one")); err != nil || processes[len(processes)-1].Ended != runlog.Interrupted {
		t.Errorf("the training: %+v, %v", processes, err)
	}
}

// TestStudioForm checks that the form of every recipe has the flags of imago train and the options of its kind, each once, with a help.
func TestStudioForm(t *testing.T) {
	a := newApp(io.Discard, io.Discard)
	for _, rec := range a.Models.Recipes() {
		options, err := a.studioOptions(rec.Name)
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, o := range options {
			if have[o.Name] || o.Help == "" || o.Group == "" {
				t.Errorf("%s: the option %+v", rec.Name, o)
			}
			have[o.Name] = true
			if o.Name == "loss" && len(o.Values) == 0 {
				t.Errorf("%s: no losses", rec.Name)
			}
		}
		for _, name := range []string{"epochs", "batch", "lr", "seed", "limit"} {
			if !have[name] {
				t.Errorf("%s: no option %s", rec.Name, name)
			}
		}
		for _, name := range notOnForm {
			if have[name] {
				t.Errorf("%s: the option %s is not for a form", rec.Name, name)
			}
		}
	}
}
