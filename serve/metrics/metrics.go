// Package metrics keeps figures of a running server and writes them in the text format of
// Prometheus (version 0.0.4): counters, values that are asked when they are written, and
// histograms, each with labels or without.
//
//	requests := r.Counter("imago_http_requests_total", "Requests answered.", "route", "status")
//	requests.Add(1, "GET /v1/models", "200")
//
// The official client brings four modules and the format of protocol buffers for what is a screen
// of text here. The package knows nothing of what is measured.
package metrics

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Registry is a set of figures, written in the order in which they were added. The zero value is
// ready to be used, by several goroutines.
type Registry struct {
	mu  sync.Mutex
	all []*family
}

// A family is the figures of one name.
type family struct {
	name, help, kind string
	labels           []string
	bounds           []float64 // of a histogram
	read             func(yield func(value float64, labels ...string))

	mu     sync.Mutex
	series map[string]*series
}

type series struct {
	labels []string
	value  float64  // of a counter; the sum of a histogram
	counts []uint64 // of a histogram, by bound, and beyond the last
}

func (r *Registry) add(f *family) *family {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.series = map[string]*series{}
	r.all = append(r.all, f)
	return f
}

// A Counter is a number that grows, for each combination of labels.
type Counter struct{ f *family }

// Counter adds a counter. Its name ends in _total.
func (r *Registry) Counter(name, help string, labels ...string) Counter {
	return Counter{r.add(&family{name: name, help: help, kind: "counter", labels: labels})}
}

// Add adds to the number of these values of the labels.
func (c Counter) Add(n float64, labels ...string) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.at(labels).value += n
}

// A Histogram counts values by size, for each combination of labels.
type Histogram struct{ f *family }

// Histogram adds a histogram with these upper bounds, in ascending order.
func (r *Registry) Histogram(name, help string, bounds []float64, labels ...string) Histogram {
	return Histogram{r.add(&family{name: name, help: help, kind: "histogram", labels: labels, bounds: bounds})}
}

// Observe counts a value.
func (h Histogram) Observe(v float64, labels ...string) {
	at, _ := slices.BinarySearch(h.f.bounds, v)
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	s := h.f.at(labels)
	s.value += v
	s.counts[at]++
}

// Value adds a figure that read is asked for when the figures are written. It calls yield once for
// each combination of labels.
func (r *Registry) Value(name, help string, labels []string, read func(yield func(value float64, labels ...string))) {
	r.add(&family{name: name, help: help, kind: "gauge", labels: labels, read: read})
}

// at returns the series of these labels. The caller holds mu.
func (f *family) at(labels []string) *series {
	var key string
	if len(labels) == 1 {
		key = labels[0]
	} else {
		key = strings.Join(labels, "\xff")
	}
	s := f.series[key]
	if s == nil {
		if len(labels) != len(f.labels) {
			panic(fmt.Sprintf("metrics: %s is given the labels %q, want %q", f.name, labels, f.labels))
		}
		s = &series{labels: slices.Clone(labels)}
		if f.bounds != nil {
			s.counts = make([]uint64, len(f.bounds)+1)
		}
		f.series[key] = s
	}
	return s
}

// ServeHTTP writes the figures.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = r.Write(w) // a client that has gone is no fault of the server
}

// Write writes the figures.
func (r *Registry) Write(w io.Writer) error {
	r.mu.Lock()
	all := slices.Clone(r.all)
	r.mu.Unlock()
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", f.name, escape.Replace(f.help), f.name, f.kind)
		f.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *family) write(b *strings.Builder) {
	if f.read != nil {
		f.read(func(v float64, labels ...string) { sample(b, f.name, f.labels, labels, v) })
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := make([]string, 0, len(f.series))
	for key := range f.series {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		s := f.series[key]
		if f.bounds == nil {
			sample(b, f.name, f.labels, s.labels, s.value)
			continue
		}
		names, count := append(slices.Clone(f.labels), "le"), uint64(0)
		for i, n := range s.counts {
			count += n
			bound := math.Inf(1)
			if i < len(f.bounds) {
				bound = f.bounds[i]
			}
			sample(b, f.name+"_bucket", names, append(slices.Clone(s.labels), number(bound)), float64(count))
		}
		sample(b, f.name+"_sum", f.labels, s.labels, s.value)
		sample(b, f.name+"_count", f.labels, s.labels, float64(count))
	}
}

// escape is for help texts, and with the quotation mark for values of labels.
var (
	escape      = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func sample(b *strings.Builder, name string, labels, values []string, v float64) {
	b.WriteString(name)
	for i, l := range labels {
		b.WriteString([]string{"{", ","}[min(i, 1)] + l + `="` + escapeValue.Replace(values[i]) + `"`)
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	b.WriteString(" " + number(v) + "\n")
}

func number(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
