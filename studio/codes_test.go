package studio

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// readCodes returns the codes of a model: n, the units of a code, and the classes.
func readCodes(t *testing.T, b []byte) (n, units, attributes int, classes []int32) {
	t.Helper()
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	n, units, attributes = int(word(0)), int(word(1)), int(word(4))
	if want := 20 + n*(4*units+8+attributes); len(b) != want || int(word(2)) >= units || int(word(3)) >= units {
		t.Fatalf("%d bytes of %d codes of %d units, want %d", len(b), n, units, want)
	}
	for i := range n {
		classes = append(classes, int32(word(5+n*units+i)))
		for u := range units {
			if v := math.Float32frombits(word(5 + i*units + u)); math.IsNaN(float64(v)) {
				t.Fatalf("code %d is not a number", i)
			}
		}
	}
	return n, units, attributes, classes
}

// namesOf returns the names in a header.
func namesOf(t *testing.T, h http.Header, header string) (names []string) {
	t.Helper()
	text, err := url.PathUnescape(h.Get(header))
	if err == nil {
		err = json.Unmarshal([]byte(text), &names)
	}
	if err != nil {
		t.Errorf("%s: %v", header, err)
	}
	return names
}

// TestCodes reads the codes that are saved with a model, computes those of its test items, and looks at both in other planes.
func TestCodes(t *testing.T) {
	c := openPage(t, t.TempDir())
	status, b, h := c.ask("GET", "/api/runs/zoo:cnn-vae/codes", nil)
	n, units, attributes, classes := readCodes(t, b)
	if status != 200 || units != 2 || attributes != 0 || h.Get("Imago-Set") != "train" || len(namesOf(t, h, "Imago-Attributes")) != 0 || len(namesOf(t, h, "Imago-Classes")) != 10 || classes[0] < 0 || classes[0] > 9 {
		t.Errorf("%d: %d codes of %d units and %d attributes, %v", status, n, units, attributes, h)
	}
	events := c.listen("")
	c.want(202, "POST", "/api/runs/zoo:cnn-vae/codes", nil)
	if e := await(t, events, "codes"); e["id"] != "zoo:cnn-vae" {
		t.Errorf("%v", e)
	}
	_, b, h = c.ask("GET", "/api/runs/zoo:cnn-vae/codes", nil)
	if n, _, _, _ = readCodes(t, b); n != 10_000 || h.Get("Imago-Set") != "test" {
		t.Errorf("%d codes of %s", n, h.Get("Imago-Set"))
	}
	_, b, h = c.ask("GET", "/api/runs/zoo:face-vae/codes", nil)
	n, units, attributes, _ = readCodes(t, b)
	if names := namesOf(t, h, "Imago-Attributes"); len(names) != 25 || attributes != 25 {
		t.Errorf("attributes %v, %d of them", names, attributes)
	}
	_, b, h = c.ask("GET", "/api/runs/zoo:face-vae/projection?kind=pca", nil)
	var axes components
	if err := json.Unmarshal([]byte(h.Get("Imago-Components")), &axes); err != nil || len(axes.Mean) != units || len(axes.Axes) != 2 || len(axes.Axes[1]) != units {
		t.Errorf("%v: %v", h, err)
	}
	if got := int(binary.LittleEndian.Uint32(b)); got != n || len(b) != 4+8*n {
		t.Errorf("%d points in %d bytes of %d codes", got, len(b), n)
	}
	for _, path := range []string{"items/3.png", "items/3.png?set=test", "reconstructions.png"} {
		if status, b, h := c.ask("GET", "/api/runs/zoo:cnn-vae/"+path, nil); status != 200 || http.DetectContentType(b) != "image/png" || h.Get("ETag") == "" {
			t.Errorf("%s: %d", path, status)
		}
	}
	c.want(404, "GET", "/api/runs/zoo:cnn-vae/projection?kind=pca&at=nothing", nil)
}

// TestTrash checks that what was deleted long ago is gone when a studio starts, and the rest when it ends.
func TestTrash(t *testing.T) {
	folder := t.TempDir()
	trained(t, folder, "run", "mlp-vae", 1)
	c := openPage(t, folder)
	c.want(200, "DELETE", "/api/runs/run", nil)
	c.studio.emptyTrash(time.Hour)
	trash := c.studio.own.Sub(trashFolder)
	if list, err := trash.ReadDir("."); err != nil || len(list) != 2 {
		t.Errorf("%v, %v", list, err)
	}
	c.studio.emptyTrash(0)
	if list, err := trash.ReadDir("."); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// TestHostileState checks what a studio does with files of its own that a stranger has sent along: nothing is
// removed of which it is not known when it was deleted, and notes that are null are none.
func TestHostileState(t *testing.T) {
	folder := t.TempDir()
	own := filepath.Join(folder, ownFolder)
	at := func(name string) string { return filepath.Join(own, name) }
	if err := errors.Join(os.MkdirAll(at("trash/old"), 0o777), os.MkdirAll(at("trash/torn"), 0o777)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"notes.json": "null", "trash/old.json": "{}", "trash/torn.json": `{"id":"to`, "trash/..json": "{}"} {
		if err := os.WriteFile(at(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	trained(t, folder, "run", "mlp-vae", 1)
	c := openPage(t, folder)
	for _, name := range []string{"trash/old", "trash/torn"} {
		if _, err := os.Stat(at(name)); err != nil {
			t.Error(err)
		}
	}
	c.want(200, "PUT", "/api/runs/run", map[string]any{"note": "mine"})
}
