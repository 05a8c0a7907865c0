package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	var r Registry
	c := r.Counter("requests_total", "Requests\nin all.", "route", "status")
	h := r.Histogram("seconds", "Time.", []float64{0.1, 1}, "route")
	r.Value("models", "Models.", nil, func(yield func(float64, ...string)) { yield(2) })
	c.Add(1, "b", "200")
	c.Add(2, "a\"\\\n", "404")
	c.Add(1, "b", "200")
	for _, v := range []float64{0.05, 0.1, 0.5, 3} {
		h.Observe(v, "a")
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, nil)
	want := strings.TrimPrefix(`
# HELP requests_total Requests\nin all.
# TYPE requests_total counter
requests_total{route="a\"\\\n",status="404"} 2
requests_total{route="b",status="200"} 2
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{route="a",le="0.1"} 2
seconds_bucket{route="a",le="1"} 3
seconds_bucket{route="a",le="+Inf"} 4
seconds_sum{route="a"} 3.65
seconds_count{route="a"} 4
# HELP models Models.
# TYPE models gauge
models 2
`, "\n")
	if got := w.Body.String(); got != want || !strings.Contains(w.Header().Get("Content-Type"), "version=0.0.4") {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a wrong number of labels is taken")
		}
	}()
	c.Add(1, "a")
}
