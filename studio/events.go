package studio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/imago-ml/imago/train/runlog"
)

// An event is what the stream of events says: LiveEvent of api.ts. Those that are no fields of its type are nil.
type event struct {
	Type    string      `json:"type"`
	ID      string      `json:"id,omitempty"`
	Run     *RunSummary `json:"run,omitempty"`
	Line    *LogLine    `json:"line,omitempty"`
	Step    *int64      `json:"step,omitempty"`
	Epoch   *int        `json:"epoch,omitempty"`
	Warning *Warning    `json:"warning,omitempty"`
	Job     *Job        `json:"job,omitempty"`
}

// A LogLine is a line of a log, as an event has it.
type LogLine struct {
	Kind       string   `json:"kind"`
	Epoch      int      `json:"epoch"`
	Step       int64    `json:"step"`
	Seconds    number   `json:"seconds"`
	Train      Metrics  `json:"train"`
	Test       Metrics  `json:"test"`
	Validation Metrics  `json:"validation"`
	UnitKL     []number `json:"unitKL"`
}

// newLogLine returns a line with the seconds of training since the start of the run.
func newLogLine(l *runlog.Line, seconds float64) *LogLine {
	part := func(m map[string]float64) Metrics {
		out := Metrics{}
		for name, v := range m {
			out[name] = number(v)
		}
		return out
	}
	n := &LogLine{Kind: l.Kind, Epoch: l.Epoch, Step: l.Step, Seconds: number(seconds), Train: part(l.Train), Test: part(l.Test), Validation: part(l.Validation), UnitKL: numbers(l.UnitKL)}
	for name, v := range l.Generated {
		n.Train[name] = number(v)
	}
	return n
}

// events are the last events, numbered, and who waits for more.
type events struct {
	mu      sync.Mutex
	next    int64
	kept    []numbered // at most mostEvents
	clients map[chan struct{}]bool
	last    time.Time // when the last client left
}

type numbered struct {
	id   int64
	text []byte
}

const (
	mostEvents = 4096
	heartbeat  = 15 * time.Second     // between two signs of life, by which a proxy keeps the connection
	gather     = 5 * time.Millisecond // the events of one look at the runs go together: a page takes time for each piece of a stream
)

// newEvents returns no events yet. The numbers of two studios differ: they begin at the time of the start.
func newEvents() *events {
	return &events{next: time.Now().UnixMilli() * 1000, clients: map[chan struct{}]bool{}}
}

// send adds an event.
func (e *events) send(v event) {
	text, err := json.Marshal(v)
	if err != nil { // numbers are made so that they are JSON
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	e.kept = append(e.kept, numbered{e.next, text})
	if n := len(e.kept); n >= 2*mostEvents {
		e.kept = append([]numbered(nil), e.kept[n-mostEvents:]...)
	}
	for c := range e.clients {
		select {
		case c <- struct{}{}:
		default: // it has a sign already
		}
	}
}

// after returns the events after a number, and the number of the last; reset if it does not have all of them.
func (e *events) after(id int64) (list []numbered, last int64, reset bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := e.next - int64(len(e.kept)) + 1
	if id+1 < first || id > e.next {
		return nil, e.next, true
	}
	return e.kept[id+1-first:], e.next, false
}

// join makes a sign that something was sent, until leave.
func (e *events) join() (sign chan struct{}, leave func()) {
	sign = make(chan struct{}, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clients[sign] = true
	return sign, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.clients, sign)
		e.last = time.Now()
	}
}

// heard reports whether anybody listens.
func (e *events) heard() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.clients) > 0
}

// getEvents answers with the stream of events.
func (s *Studio) getEvents(w http.ResponseWriter, r *http.Request) error {
	sign, leave := s.events.join()
	defer leave()
	s.events.mu.Lock()
	at := s.events.next
	s.events.mu.Unlock()
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			at = id
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	if _, err := fmt.Fprintf(w, "retry: 1000\n\n"); err != nil {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		list, last, reset := s.events.after(at)
		if reset {
			fmt.Fprintf(w, "id: %d\ndata: {\"type\":\"reset\"}\n\n", last)
		}
		for _, e := range list {
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.id, e.text); err != nil {
				return nil
			}
		}
		at = last
		if err := out.Flush(); err != nil {
			return nil
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-s.ctx.Done():
			return nil
		case <-sign:
			time.Sleep(gather)
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": \n\n"); err != nil {
				return nil
			}
		}
	}
}
