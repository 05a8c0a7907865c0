package runlog

import (
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/data/table"
)

// TestDecodeOfEarlierVersions checks that the configuration of a run of images, and of one of a
// table, from before there were media describe the same items, and are written in the new form.
func TestDecodeOfEarlierVersions(t *testing.T) {
	c := config("mlp-vae", small(20, 10))
	now, err := c.Encode("")
	if err != nil {
		t.Fatal(err)
	}
	item := `"item":{"medium":"image","shape":[28,28,1],"element":"levels"}`
	if !strings.Contains(string(now), item) {
		t.Fatalf("%s lacks %s", now, item)
	}
	models := registry()
	models.Media.Register(table.Kind())
	for before, want := range map[string]struct{ shape, item string }{
		`"image":[28,28,1]`: {"28x28x1", item},
		`"image":[64,48,3]`: {"64x48x3", `"item":{"medium":"image","shape":[64,48,3],"element":"levels"}`},
		`"image":[1,2,1]`:   {"1x2x1", `"item":{"medium":"image","shape":[1,2,1],"element":"levels"}`},
		`"image":[1,2,1],"columns":[{"name":"a","min":0,"max":2},{"name":"b","min":-1,"max":1}]`: {"2",
			`"item":{"medium":"table","shape":[2],"element":"reals","settings":{"columns":[{"name":"a","min":0,"max":2},{"name":"b","min":-1,"max":1}]}}`},
	} {
		old, err := Decode([]byte(strings.Replace(string(now), item, before, 1)))
		if err != nil {
			t.Errorf("%s: %v", before, err)
			continue
		}
		in, err := old.Input(models)
		if err != nil || in.Item.String() != want.shape || in.Labels != len(c.Data.Labels) {
			t.Errorf("%s: %+v, %v; want items of %s", before, in, err, want.shape)
		}
		if m, ok := in.Medium.(table.Medium); ok != (want.shape == "2") || ok && (len(m.Columns) != 2 || m.Columns[1] != table.Column{Name: "b", Min: -1, Max: 1}) {
			t.Errorf("%s: medium %+v", before, in.Medium)
		}
		if again, err := old.Encode(""); err != nil || !strings.Contains(string(again), want.item) || strings.Contains(string(again), `"image":[`) {
			t.Errorf("%s is written as %s, want %s", before, again, want.item)
		}
	}
	if in, err := c.Input(models); err != nil || !in.Equal(pixels.Item(28, 28, 1)) {
		t.Errorf("%+v, %v", in, err)
	}
}
