package studio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A client is a browser that has the page of a studio.
type client struct {
	*http.Client
	t      testing.TB
	studio *Studio
	base   string
}

// openPage starts a studio on a folder, and logs in.
func openPage(t testing.TB, folder string, change ...func(*Options)) *client {
	t.Helper()
	var models model.Registry
	var sets data.Registry
	catalog.Models(&models)
	catalog.Data(&sets)
	catalog.Zoo()
	var log bytes.Buffer
	opt := Options{Folder: folder, Root: t.TempDir(), Models: &models, Data: &sets, Backend: func() backend.Backend { return cpu.New(1) }, Log: &log,
		OptionName: func(field string) string { return "--" + strings.ToLower(field) }}
	for _, f := range change {
		f(&opt)
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	s.bodyTime = time.Second
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	urls := make(chan string, 10)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l, func(url string) { urls <- url }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the studio ended with %v", err)
		}
		if strings.Contains(log.String(), "panic") {
			t.Error(log.String())
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{&http.Client{Jar: jar}, t, s, "http://" + l.Addr().String()}
	resp, err := c.Get(<-urls)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("the page: %s", resp.Status)
	}
	return c
}

// ask returns the answer to a request of the page.
func (c *client) ask(method, path string, body any) (status int, answer []byte, header http.Header) {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, c.base+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Origin", c.base)
	resp, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, b, resp.Header
}

// want returns the answer to a request whose status is to be this.
func (c *client) want(status int, method, path string, body any) []byte {
	c.t.Helper()
	got, b, _ := c.ask(method, path, body)
	if got != status {
		c.t.Errorf("%s %s: %d %.300s, want %d", method, path, got, b, status)
	}
	return b
}

// read reads the JSON of an answer.
func (c *client) read(path string, into any) {
	c.t.Helper()
	if err := json.Unmarshal(c.want(200, "GET", path, nil), into); err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
}

// listen returns the events that come from now on, until the test ends.
func (c *client) listen(last string) <-chan map[string]any {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+"/api/events", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := c.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	events := make(chan map[string]any, 1000)
	go func() {
		defer resp.Body.Close()
		defer close(events)
		id := ""
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if v, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				id = v
			}
			if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				e := map[string]any{}
				if err := json.Unmarshal([]byte(v), &e); err != nil && ctx.Err() == nil {
					c.t.Errorf("an event is no JSON: %v: %s", err, v)
				}
				e["event id"] = id
				events <- e
			}
		}
	}()
	return events
}

// await returns the next event of a type.
func await(t testing.TB, events <-chan map[string]any, kind string) map[string]any {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ends before an event %s", kind)
			}
			if e["type"] == kind {
				return e
			}
		case <-late:
			t.Fatalf("no event %s", kind)
		}
	}
}

// trained trains a run of 150 digits in a folder, with observers.
func trained(t testing.TB, folder, name, recipe string, epochs int, observers ...train.Observer) *runlog.Run {
	t.Helper()
	set := runtest.Must(runtest.Small(150, 30))
	config := runtest.Config(recipe, set, "hidden", "16", "filters", "2,3")
	config.Epochs = epochs
	run, err := runlog.Create(folder, name, config)
	if err != nil {
		t.Fatal(err)
	}
	m := runtest.Must(run.Config.Build(runtest.Registry()))
	be := cpu.New(1)
	defer be.Close()
	job := train.Job{Run: run, Model: m, Data: set, Backend: be, Observers: observers, Command: []string{"imago", "train", recipe, "--name", name}}
	if _, err := train.Loop(context.Background(), job); err != nil {
		t.Error(fmt.Errorf("%s: %w", name, err))
	}
	return run
}
