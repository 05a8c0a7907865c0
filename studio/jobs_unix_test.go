//go:build unix

package studio

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/models/model"
)

// TestQueue runs jobs that are no trainings: one after another, in the order in which they are put, and what fails says so.
func TestQueue(t *testing.T) {
	folder := t.TempDir()
	c := openPage(t, folder, func(o *Options) {
		o.Command = func(args ...string) *exec.Cmd {
			script := "echo begun; exec sleep 60"
			if strings.Contains(strings.Join(args, " "), "--name=bad") {
				script = "echo 'imago: no such data' >&2; exit 1"
			}
			return exec.Command("sh", append([]string{"-c", script, "imago"}, args...)...)
		}
	})
	add := func(name string) Job {
		var j Job
		if err := json.Unmarshal(c.want(200, "POST", "/api/jobs", map[string]any{"recipe": "cnn-vae", "data": "digits", "name": name, "options": map[string]string{}}), &j); err != nil {
			t.Fatal(err)
		}
		return j
	}
	jobs := func() string {
		var list []Job
		c.read("/api/jobs", &list)
		var text []string
		for _, j := range list {
			text = append(text, j.Run+" "+j.State)
		}
		return strings.Join(text, ", ")
	}
	until := func(want string) {
		t.Helper()
		for range 600 {
			if jobs() == want {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("jobs %s, want %s", jobs(), want)
	}
	bad := add("bad")
	until("bad failed")
	var list []Job
	if c.read("/api/jobs", &list); list[0].Text != "imago: no such data" {
		t.Errorf("%+v", list[0])
	}
	c.want(200, "POST", "/api/jobs/"+bad.ID+"/remove", nil)
	one, two, three := add("one"), add("two"), add("three")
	until("one running, two waiting, three waiting")
	c.want(200, "PUT", "/api/jobs/"+three.ID, map[string]any{"before": two.ID})
	until("one running, three waiting, two waiting")
	c.want(200, "PUT", "/api/jobs/"+three.ID, map[string]any{"before": nil})
	until("one running, two waiting, three waiting")
	c.want(404, "PUT", "/api/jobs/"+three.ID, map[string]any{"before": "nothing"})
	var row RunSummary
	if c.read("/api/runs/two", &row); row.State != stateWaiting || row.Recipe != "cnn-vae" {
		t.Errorf("a run that waits: %+v", row)
	}
	c.want(200, "POST", "/api/runs/two/pause", nil)
	until("one running, two paused, three waiting")
	c.want(200, "POST", "/api/runs/two/resume", map[string]any{})
	c.want(200, "POST", "/api/jobs/"+two.ID+"/remove", nil)
	until("one running, three waiting")
	events := c.listen("")
	four := add("four")
	until("one running, three waiting, four waiting")
	c.want(200, "PUT", "/api/jobs/"+four.ID, map[string]any{"before": three.ID})
	await(t, events, "reset") // the order is in no event of a job
	c.want(200, "POST", "/api/runs/four/pause", nil)
	if got := string(c.want(200, "POST", "/api/runs/four/stop", nil)); got != "null" {
		t.Errorf("a run that was stopped before it began is %s", got)
	}
	if e := await(t, events, "removed"); e["id"] != "four" {
		t.Errorf("%v is removed, want four", e)
	}
	c.want(404, "GET", "/api/runs/four", nil)
	add("five")
	if got := string(c.want(200, "DELETE", "/api/runs/five", nil)); got != `{"undo":""}` {
		t.Errorf("a run that has not begun is deleted: %s", got)
	}
	if e := await(t, events, "removed"); e["id"] != "five" {
		t.Errorf("%v is removed, want five", e)
	}
	c.want(200, "POST", "/api/jobs/"+four.ID+"/remove", nil)
	until("one running, three waiting")
	if got, want := one.Command, fmt.Sprintf("imago train cnn-vae --data digits --name one --out %s", folder); got != want {
		t.Errorf("the command is %s, want %s", got, want)
	}
	c.want(200, "POST", "/api/runs/one/stop", nil) // a sleep ends at once
	until("one done, three running")
	c.want(200, "POST", "/api/jobs/"+three.ID+"/remove", nil)
	until("one done, three done")
	for _, v := range []map[string]any{
		{"recipe": "nothing", "data": "digits"}, {"recipe": "cnn-vae", "data": "/etc"}, {"recipe": "cnn-vae", "data": "--x"}, {"recipe": "cnn-vae", "data": "digits", "options": map[string]string{"out": "/tmp"}},
		{"recipe": "cnn-vae", "data": "digits", "name": "--x"}, {"recipe": "cnn-vae", "data": "digits", "init": "../x"},
	} {
		c.want(422, "POST", "/api/jobs", v)
	}
}

// TestRemedies checks the options that a changed run is given: a value that is known, else half or twice the number, else none.
func TestRemedies(t *testing.T) {
	c := openPage(t, t.TempDir())
	for _, x := range []struct {
		remedy model.Remedy
		want   string
	}{
		{model.Remedy{Change: model.SetTo, Option: "Loss", Value: "bce", Now: "mse"}, "map[loss:bce] "},
		{model.Remedy{Change: model.Less, Option: "Beta", Now: "4"}, "map[beta:2] --beta 2"},
		{model.Remedy{Change: model.Less, Option: "LR", Now: "0.001"}, "map[lr:0.0005] --lr 0.0005"},
		{model.Remedy{Change: model.More, Option: "Epochs", Now: "10"}, "map[epochs:20] --epochs 20"},
		{model.Remedy{Change: model.Fewer, Option: "Latent", Now: "1"}, "map[] "},
		{model.Remedy{Change: model.More, Option: "Warmup", Now: "0"}, "map[] "},
		{model.Remedy{Change: model.Another, Option: "Seed", Now: "1"}, "map[] "},
		{model.Remedy{Change: model.SetTo, Option: "GP", Value: "10", Now: "0", With: []model.Remedy{{Change: model.Less, Option: "LR", Now: "1e-3"}}}, "map[gp:10 lr:0.0005] --lr 0.0005"},
	} {
		options, chosen := c.studio.remedyOptions(x.remedy)
		if got := fmt.Sprintf("%v %s", options, chosen); got != x.want || (options == nil) != strings.HasPrefix(x.want, "map[] ") {
			t.Errorf("%+v: %s, want %s", x.remedy, got, x.want)
		}
	}
}
