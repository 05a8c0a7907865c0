package eval

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/sealed"
)

func TestRecords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "eval.json")
	if r, err := ReadRecords(name); r != nil || err != nil {
		t.Fatalf("a file that is not there: %v, %v", r, err)
	}
	scores := func(values ...float64) (s Scores) {
		for i, v := range values {
			s = append(s, Score{Metric: Metrics()[i], Value: v, StdErr: 0.5, Images: 7, Units: []float64{1, 2}, Note: "so"})
		}
		return s
	}
	write := func(s Scores, of Provenance) {
		t.Helper()
		if err := WriteRecords(name, s.Records(of)); err != nil {
			t.Fatal(err)
		}
	}
	write(scores(1, 2, 3), Provenance{DataDigest: "a", Seed: 9, Checkpoint: "c"})
	write(scores(4), Provenance{DataDigest: "a", Step: 5})
	write(scores(6), Provenance{DataDigest: "b"})
	r, err := ReadRecords(name)
	if err != nil || len(r) != 4 {
		t.Fatalf("%d records, %v; want two old, two new", len(r), err)
	}
	for i, want := range []float64{2, 3, 4, 6} {
		if r[i].Value != want {
			t.Errorf("record %d is %v, want %v", i, r[i].Value, want)
		}
	}
	first := r[0]
	if m := Metrics()[1]; first.Name != m.Name || first.Protocol != m.About || first.Better != "lower" || first.Provenance.Seed != 9 || first.Provenance.Checkpoint != "c" ||
		first.StdErr != 0.5 || first.Images != 7 || len(first.PerUnit) != 2 || first.Note != "so" || first.Measured.IsZero() {
		t.Errorf("record %+v", first)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole { // a flipped bit is an error, or changes no record
		b := slices.Clone(whole)
		b[i] ^= 1 << (i % 8)
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadRecords(name); err == nil && !reflect.DeepEqual(got, r) {
			t.Fatalf("byte %d (%q flipped to %q): other records were read", i, whole[i], b[i])
		}
	}
	var old struct { // of an earlier version, with the checksum of the scores alone
		Format int             `json:"format"`
		Scores json.RawMessage `json:"scores"`
		SHA256 string          `json:"sha256"`
	}
	object, _ := sealed.Unseal(whole)
	if err := json.Unmarshal(object, &old); err != nil {
		t.Fatal(err)
	}
	old.SHA256 = sealed.Sum(old.Scores)
	text, err := json.MarshalIndent(old, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text []byte
		ok   bool
	}{{text, true}, {bytes.Replace(text, []byte(`"value": 3`), []byte(`"value": 2`), 1), false}} {
		if err := os.WriteFile(name, tt.text, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadRecords(name); (err == nil) != tt.ok || tt.ok && !reflect.DeepEqual(got, r) {
			t.Errorf("a file of an earlier version: %v, want it read: %v\n%s", err, tt.ok, tt.text)
		}
	}
	for bad, want := range map[string]string{"{": "unexpected end", `{"format": 2}`: "format 2", strings.Repeat(" ", maxRecords+1): "more than"} {
		if err := os.WriteFile(name, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := WriteRecords(name, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", bad, err, want)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != bad {
			t.Error("a file that could not be read was replaced")
		}
	}
}
