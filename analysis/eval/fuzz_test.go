package eval

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzReadRecords checks that ReadRecords refuses any bytes, or returns records that can
// be written and read again as they are.
func FuzzReadRecords(f *testing.F) {
	dir := f.TempDir()
	name := filepath.Join(dir, "seed.json")
	if err := WriteRecords(name, Scores{{Metric: Metrics()[0], Value: 1.5, StdErr: 0.5, Images: 7, Units: []float64{1, 2}, Note: "so"}, {Metric: Metrics()[1]}}.Records(Subject{DataDigest: "a", Seed: 9})); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	for _, text := range []string{
		`{"format": 2}`, `{"format": 1, "scores": null}`, `{"format": 1, "scores": [null, {}]}`, `{"format": 1, "scores": [{"value": 1e400}]}`,
		`{"format": 1, "scores": [{"measured": "9999-12-31T23:59:59+23:59"}]}`, `{"format": 1, "scores": [{"name": "\ud800<&>"}]} {}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "eval.json")
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		records, err := ReadRecords(name)
		if err != nil {
			return
		}
		if err := WriteRecords(name, nil); err != nil {
			t.Fatalf("records that were read cannot be written: %v", err)
		}
		again, err := ReadRecords(name)
		if err != nil || len(again) != len(records) {
			t.Fatalf("%d records were read and written, then %d, %v", len(records), len(again), err)
		}
		for i, r := range records {
			s := again[i]
			if !r.Measured.Equal(s.Measured) {
				t.Errorf("record %d was measured at %v, read again at %v", i, r.Measured, s.Measured)
			}
			r.Measured = s.Measured
			if len(r.PerUnit) == 0 { // [] is left out, as null is
				r.PerUnit = s.PerUnit
			}
			if !reflect.DeepEqual(r, s) {
				t.Errorf("record %d is %+v, read again %+v", i, r, s)
			}
		}
	})
}
