package cli

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/tensor"
)

// TestTable checks a table as text and as Markdown.
func TestTable(t *testing.T) {
	tab := table{header: []string{"name", "ms", "note"}}
	tab.add("a", "1.50", "")
	tab.add("bé", "-20", "slow")
	for _, tt := range []struct {
		markdown bool
		want     string
	}{
		{false, "name    ms  note\na     1.50\nbé     -20  slow\n"},
		{true, "| name |   ms | note |\n|------|-----:|------|\n| a    | 1.50 |      |\n| bé   |  -20 | slow |\n"},
	} {
		var b strings.Builder
		if err := tab.write(&b, tt.markdown); err != nil || b.String() != tt.want {
			t.Errorf("markdown %v: %v\n%s\nwant\n%s", tt.markdown, err, b.String(), tt.want)
		}
	}
}

// TestProfile checks a profile of two threads and ten runs of 4 ms: a kernel of 60 ms in all takes 3 ms of each run.
func TestProfile(t *testing.T) {
	kernels := []backend.Kernel{
		{Name: "loop", Layer: "head", Shape: tensor.Shape{8}, Flops: 100, Bytes: 64, Calls: 10, Time: 100 * time.Microsecond},
		{Name: "conv2d", Layer: "body", Shape: tensor.Shape{4, 2}, Fused: []string{"add", "mul", "mul", "add"}, Flops: 41e6, MatFlops: 40e6, Executed: 30e6, Bytes: 3e6, Calls: 40, Time: 60 * time.Millisecond},
	}
	peak := capacity{Threads: 2, FMA: 100, Levels: []level{{Name: "L1", Bytes: 1e5, Read: 300}, {Name: "L2", Bytes: 2e6, Read: 2}, {Name: "memory", Read: 1, shared: true}}}
	pr := newProfile(kernels, 10, 2, 4, peak)
	k := pr.Kernels[1]
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-9 }
	if !near(k.Time, 3) || !near(k.Portion, 0.75) || !near(k.GFlops, 10) || !near(k.Share, 0.1) || !near(k.GBytes, 1) || !near(k.Calls, 4) {
		t.Errorf("the convolution is %+v", k)
	}
	if k.Bound != "L2" || !near(k.OfBound, 0.5) { // 3 MB, a half for each thread, at 2 GB/s are 1.5 ms
		t.Errorf("the convolution is bound by %s for %v", k.Bound, k.OfBound)
	}
	if l := pr.Kernels[0]; l.Bound != "arithmetic" || !near(l.OfBound, 1e-6/0.005) {
		t.Errorf("the loop is bound by %s for %v", l.Bound, l.OfBound)
	}
	if name, least := peak.bound(0, 5e6); name != "memory" || !near(least, 5) {
		t.Errorf("5 MB are bound by %s for %v ms", name, least)
	}
	if l := pr.Kernels[0]; !near(l.GFlops, 100/0.005*1e-6) {
		t.Errorf("a loop's rate is of all its operations: %+v", l)
	}
	if !near(pr.Rest, 4-3-0.005) {
		t.Errorf("the rest is %v ms", pr.Rest)
	}
	var b strings.Builder
	if err := pr.write(&b, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i, want := range [][]string{
		{"kernel"},
		{"conv2d", "body", "4x2", "3.000", "75.0", strings.Repeat("#", 15), "41.0", "10.0", "10.0", "3.00", "1.00", "L2", "50.0", "4.00", "add", "mul×2", "add"},
		{"1", "smaller", "one"},
		{"all", "kernels", "3.005", "75.1"},
		{"rest", "0.995", "24.9"},
		{"a", "run", "4.000", "100.0", strings.Repeat("#", 20), "41.0", "7.50", "7.5"},
	} {
		if len(lines) != 6 || !strings.HasPrefix(strings.Join(strings.Fields(lines[i]), " "), strings.Join(want, " ")) {
			t.Errorf("line %d of\n%s\nwant %v", i, b.String(), want)
		}
	}
}

// TestMedian checks the median of odd and even numbers of values.
func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{1, 4}, 2.5}, {[]float64{1, 2, 9}, 2}} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("median(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

// TestComparison checks that ratios are taken within each round: a disturbance affects all programs of a round.
func TestComparison(t *testing.T) {
	list := func(ms ...float64) (all []*trial) {
		for _, v := range ms {
			all = append(all, &trial{Median: v, noise: &noise{Others: v}})
		}
		return all
	}
	c := newComparison("x", "ms", caseTrials{list(10, 20, 5), list(20, 80, 5), list(40, 40, 40)}, func(t *trial) float64 { return t.Median })
	if c.Rounds != 3 || c.Ours != 10 || c.Tuned != 20 || c.Plain != 40 {
		t.Errorf("medians: %+v", c)
	}
	if c.OverTuned != (ratio{0.5, 0.25, 1}) || c.OverPlain != (ratio{0.25, 0.125, 0.5}) {
		t.Errorf("ratios: %+v, %+v", c.OverTuned, c.OverPlain)
	}
	if c.Noise.String() != "80% others, 0% stolen" {
		t.Errorf("the noise is %q, want that of the worst process", c.Noise)
	}
}

// TestLoad checks the counters that are read from /proc, and the text of the noise.
func TestLoad(t *testing.T) {
	const stat = "cpu  100 20 30 4000 50 6 7 80 9 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
	const self = "42 (a ) name) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 7 20 0 4 0 100\n"
	l := parseLoad(load{}, stat, self)
	if !l.known || math.Abs(l.busy-1.63) > 1e-9 || l.steal != 0.8 || l.own != 3 {
		t.Errorf("read %+v, want 1.63 s busy, 0.8 s stolen, 3 s of our own", l)
	}
	for _, bad := range [][2]string{{"", self}, {stat, ""}, {"cpu 1 2", self}, {stat, "42 (x) S 1"}} {
		if parseLoad(load{}, bad[0], bad[1]).known {
			t.Errorf("%q gives a known load", bad)
		}
	}
	if n := (load{}).since(0); n != nil || n.String() != "" {
		t.Errorf("a load that is not known makes the noise %v", n)
	}
	for n, want := range map[noise]string{{Others: 1, Steal: 2}: "", {Others: 7.4}: "7% others, 0% stolen", {Steal: 12}: "0% others, 12% stolen"} {
		if got := n.String(); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
}

// TestTimeParallel checks that both threads run at the same time: f returns only then.
func TestTimeParallel(t *testing.T) {
	met := make(chan int)
	if took := timeParallel(2, func(i int) {
		if i == 0 {
			met <- 1
		} else {
			<-met
		}
	}); took <= 0 {
		t.Errorf("it took %v", took)
	}
}

// TestNumbers checks the formats of numbers in tables.
func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "", 0.5: "0.50", 12.34: "12.3", 234.5: "234"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0.12345: "0.123", 12: "12.000", 123.45: "123.5"} {
		if got := ms(v); got != want {
			t.Errorf("ms(%v) = %q, want %q", v, got, want)
		}
	}
}
