package serve

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/internal/runtest"
)

// trainRun trains a recipe for an epoch and returns the folder of its run.
func trainRun(t *testing.T, set *data.Set, recipe string, options ...string) string {
	t.Helper()
	r, err := imago.Published(recipe, options...)
	if err != nil {
		t.Fatal(err)
	}
	trained, err := imago.Train(t.Context(), set, r, imago.Options{Out: t.TempDir(), Name: recipe, Epochs: 1, PicturesEvery: -1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer trained.Close()
	return trained.Dir
}

// TestTrained serves runs of other kinds than those that imago brings along: one without a prior, one without an encoder,
// and one of a table, each with equal bits in any company, and refusals of what it cannot do.
func TestTrained(t *testing.T) {
	digits, err := runtest.Small(300, 60)
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	rows.WriteString("width,height,weight\n")
	for i := range 300 {
		fmt.Fprintf(&rows, "%d,%.2f,%.3f\n", i%17, float64(i%29)/3, float64(i*i%101)/7)
	}
	name := filepath.Join(t.TempDir(), "sensors.csv")
	if err := os.WriteFile(name, []byte(rows.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	sensors, err := table.Open(t.Context(), name, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lib := newLibrary(t, LibraryOptions{})
	for model, dir := range map[string]string{
		"ae":    trainRun(t, digits, "mlp-ae", "hidden=32", "latent=5"),
		"gan":   trainRun(t, digits, "dcgan", "filters=8,16", "latent=6"),
		"table": trainRun(t, sensors, "mlp-vae", "hidden=16", "latent=2"),
	} {
		if err := lib.Add(t.Context(), model, fromPath(dir)); err != nil {
			t.Fatal(err)
		}
	}
	l := startWith(t, lib, Options{})
	for _, path := range []string{"ae/sample?seed=1"} {
		if b := l.want(501, "GET", "/v1/models/"+path, ""); !strings.Contains(string(b), "it can decode, encode") {
			t.Errorf("%s: %s", path, b)
		}
	}
	for _, path := range []string{"gan/encode", "gan/reconstruct"} {
		l.want(501, "POST", "/v1/models/"+path, string(rawBytes(make([]float32, 784))), "Content-Type: "+typeRaw)
	}
	l.want(501, "POST", "/v1/models/gan/edit", `{"seeds":[1],"attribute":"7"}`, sentJSON)
	l.want(200, "POST", "/v1/models/ae/edit", `{"codes":[[1,2,3,4,5]],"attribute":"7"}`, sentJSON, asPNG)

	// A table goes in and comes out as CSV, in the units of its columns.
	sample := string(l.want(200, "GET", "/v1/models/table/sample?seed=3&n=5&format=csv", ""))
	if lines := strings.Split(strings.TrimSpace(sample), "\n"); len(lines) != 6 || strings.TrimSpace(lines[0]) != "width,height,weight" {
		t.Errorf("a sample of a table is\n%s", sample)
	}
	codes := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/models/table/encode", "width,height,weight\n3,4.5,2\n16,1,14\n", "Content-Type: text/csv"))
	if len(codes.Codes) != 2 {
		t.Errorf("codes of two rows: %v", codes.Codes)
	}
	l.want(406, "POST", "/v1/models/ae/decode?format=csv", `{"codes":[[1,2,3,4,5]]}`, sentJSON)

	for model, units := range map[string]int{"ae": 5, "gan": 6, "table": 2} {
		z := make([]float32, 40*units)
		for i := range z {
			z[i] = float32(i%13)/6 - 1
		}
		path := "/v1/models/" + model + "/decode"
		all := l.want(200, "POST", path, string(rawBytes(z)), "Content-Type: "+typeRaw, asRaw)
		size := len(all) / 40
		for from := 0; from < 40; from += 7 {
			n := min(1+from%5, 40-from)
			part := l.want(200, "POST", path, string(rawBytes(z[from*units:(from+n)*units])), "Content-Type: "+typeRaw, asRaw)
			if !bytes.Equal(part, all[from*size:(from+n)*size]) {
				t.Errorf("%s: %d items from %d on are others alone", model, n, from)
			}
		}
	}
	for _, a := range lib.About() {
		if slices.Contains(a.Can, "encode") == (a.Name == "gan") || slices.Contains(a.Can, "sample") == (a.Name == "ae") {
			t.Errorf("%s can %v", a.Name, a.Can)
		}
	}
}
