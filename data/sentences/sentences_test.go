package sentences

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
)

// digest is that of the set: TestSet draws it anew. It changes with every change of the grammar.
const digest = "4d57e906d71dd936fa53cd8b17256eeaf7717f4a435daed45cf1a7d7a65f2a24"

func TestSet(t *testing.T) {
	set, err := Source().Load(context.Background(), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	it := set.Item()
	if set.Train.Len() != NTrain || set.Test.Len() != NTest || it.Size() > 20 || set.Digest != digest {
		t.Errorf("%d and %d sentences of %v, digest %s", set.Train.Len(), set.Test.Len(), it, set.Digest)
	}
	// Each attribute is in a fair share of the sentences, and in those words that show it.
	x, err := data.AllFloats(context.Background(), set.Test.Items)
	if err != nil {
		t.Fatal(err)
	}
	var share [4]int
	for i := range NTest {
		words := strings.Fields(it.Medium.(medium.Texter).Text(it, x[i*it.Size():(i+1)*it.Size()]))
		a := set.Test.Attributes[i*4 : i*4+4]
		for k, v := range a {
			share[k] += int(v)
		}
		last := words[len(words)-1]
		if (last == "?") != (a[3] == 1) || slices.Contains(words, "not") != (a[2] == 1) || slices.Contains(words, "did") && a[1] == 0 {
			t.Errorf("%v has the attributes %v", words, a)
		}
	}
	for k, n := range share {
		if n < NTest/6 || n > NTest*5/6 {
			t.Errorf("%d of %d are %s", n, NTest, Attributes[k])
		}
	}
}

func TestDraw(t *testing.T) {
	for i := range 2000 {
		s, _ := Draw(rng.New(7).At(uint64(i)))
		if strings.Contains(s, " a apple") || strings.Contains(s, " a old") || strings.Contains(s, "  ") || len(strings.Fields(s)) < 5 {
			t.Errorf("%q", s)
		}
	}
}
