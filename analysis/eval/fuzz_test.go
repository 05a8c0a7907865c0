package eval

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// FuzzReadRecords checks that ReadRecords refuses any bytes, or returns records that can
// be written and read again as they are.
func FuzzReadRecords(f *testing.F) {
	dir := f.TempDir()
	name := filepath.Join(dir, "seed.json")
	if err := WriteRecords(name, Scores{{Metric: Metrics()[0], Value: 1.5, StdErr: 0.5, Images: 7, Units: []float64{1, 2}, Note: "so"}, {Metric: Metrics()[1]}}.Records(Provenance{DataDigest: "a", Seed: 9})); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	for _, text := range []string{
		`{"format": 2}`, `{"format": 1, "scores": null}`, `{"format": 1, "scores": [null, {}]}`, `{"format": 1, "scores": [{"name": "a"}, {}]}`, `{"format": 1, "scores": [{"name": "a", "value": 1e400}]}`,
		`{"format": 1, "scores": [{"name": "a", "measured": "9999-12-31T23:59:59+23:59"}]}`, `{"format": 1, "scores": [{"name": "\ud800<&>"}]} {}`,
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

// TestReadRecordsRefusesRecordsWithoutAName checks that a file of empty records allocates in
// proportion to its own size.
func TestReadRecordsRefusesRecordsWithoutAName(t *testing.T) {
	name := filepath.Join(t.TempDir(), "eval.json")
	empty := strings.Repeat("{},", 1<<20)
	if err := os.WriteFile(name, []byte(`{"format": 1, "scores": [`+empty+`{}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	records, err := ReadRecords(name)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "a record without a name: move it away") {
		t.Errorf("%d records, %v", len(records), err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 10*uint64(len(empty)) { // the file itself, as it grows
		t.Errorf("reading %d bytes allocated %d", len(empty), got)
	}
}
