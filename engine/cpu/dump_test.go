package cpu

import (
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/cpuid"
)

// dumpText returns the dump of f, and checks that the sizes are the same without a writer.
func dumpText(t testing.TB, f *graph.Func, threads int, cut shardConfig) string {
	t.Helper()
	var b strings.Builder
	s, err := dump(&b, f, threads, cut)
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := dump(nil, f, threads, cut)
	if err != nil || sizes != s {
		t.Errorf("sizes without a writer %+v, %v; with one %+v", sizes, err, s)
	}
	return b.String()
}

// A dump does not depend on the kernels of the processor, has no line that is too long, and has a name for every node and
// buffer.
func TestDump(t *testing.T) {
	funcs := []*graph.Func{netStep(t, 11, false), netStep(t, 12, true)}
	for i := range uint64(60) {
		funcs = append(funcs, graphtest.RandomFunc(rng.New(i).Split("func")))
	}
	cut := newSharding(t, 1).config
	want := make([]string, len(funcs))
	cpuid.EachImpl(t, "cpu", func(t *testing.T) {
		for i, f := range funcs {
			got := dumpText(t, f, 3, cut)
			if want[i] == "" {
				want[i] = got
			}
			if got != want[i] || dumpText(t, f, 3, cut) != got {
				t.Errorf("%d: the text of a second dump differs", i)
			}
		}
	})
	bodies := 0
	for i, text := range want {
		bodies += strings.Count(text, "# body: ")
		if strings.Contains(text, "unnamed") {
			t.Errorf("%d: a node or buffer without a name in\n%s", i, text)
		}
		_, passes, _ := strings.Cut(text, "# regions")
		for _, line := range strings.Split(passes, "\n") {
			if n := len([]rune(line)); n > columns && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%d: %d columns: %s", i, n, line)
			}
		}
	}
	if bodies < 10 {
		t.Errorf("%d regions, want at least 10", bodies)
	}
}

// The dump of a training step whose last shard has fewer images contains the results of each pass.
func TestDumpParts(t *testing.T) {
	text := dumpText(t, netStep(t, 16411, false), 2, defaultShardConfig)
	at := 0
	for _, want := range []string{
		"# as written\nfunc \"step\"", "# simplify: of ", "# regions\ngroup 1, a region of 16411 images in shards of ",
		"sums over the images: %", "# fuse\n", "the region", "# recompute", "# updates\n", " over it\n", "# guards: none",
		"# lower: ", "shards: ", "the last of ", "# body: of stage ", " conv2d, then in its cache: ", "conv2d: ", "pieces of 45, blocks of ", "[i%5]\n", "arena of ",
		"# schedule: ", "dealt to 2 threads", "thread 1: ", "# plan: ", " lanes(%",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("no %q after\n%s\nin\n%s", want, text[:at], text[at:])
		}
		at += i
	}
}

// One new value of two states is written over one of them and copied to the other.
func TestDumpOfSharedUpdate(t *testing.T) {
	x, a, b := graph.Input("x", tensor.Float32, 3), graph.State("a", 3), graph.State("b", 3)
	y := graph.Add(x, a)
	f, err := graph.NewFunc("both", []*graph.Node{x}, []graph.Output{{Name: "sum", Value: graph.Add(b, x)}}, []graph.Update{{State: a, Value: y}, {State: b, Value: y}})
	if err != nil {
		t.Fatal(err)
	}
	text := dumpText(t, f, 1, defaultShardConfig)
	if strings.Count(text, " over it\n") != 1 || strings.Count(text, " is copied to it at the end\n") != 1 {
		t.Error(text)
	}
}

func TestDumpOfIdentity(t *testing.T) {
	x := graph.Input("x", tensor.Float32, 3)
	f, err := graph.NewFunc("same", []*graph.Node{x}, []graph.Output{{Name: "y", Value: x}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := dumpText(t, f, 1, defaultShardConfig); !strings.Contains(text, "# lower: 0 stages\n") {
		t.Error(text)
	}
	if _, err := Dump(nil, f, 0); err == nil || err.Error() != "cpu: dump same: 0 threads, want 1 or more" {
		t.Errorf("error %v", err)
	}
	if _, err := Dump(nil, &graph.Func{Name: "none", Outputs: make([]graph.Output, 1)}, 1); err == nil {
		t.Error("no error for an ill-formed function")
	}
}
