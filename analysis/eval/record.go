package eval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/sealed"
)

// recordFormat is the version of the file that this package writes and reads.
const recordFormat = 1

// RecordsFile is the name of the file with the scores, in the folder of a run.
const RecordsFile = "eval.json"

// maxRecords bounds the size of the file in bytes before it is read.
const maxRecords = 16 << 20

// Provenance says which model was measured on which data.
type Provenance struct {
	Recipe     string `json:"recipe"`
	Checkpoint string `json:"checkpoint"`        // its folder or file, as it was named
	Step       int64  `json:"step"`              // optimiser updates it had done
	Data       string `json:"data"`              // name of the set
	DataDigest string `json:"data_digest"`       // data.Set.Digest
	Seed       uint64 `json:"seed"`              // of all that was drawn
	Weights    string `json:"weights,omitempty"` // latent.Session.Fingerprint; "" in older files
	Imago      string `json:"imago"`             // version of the program
}

// A Record is a Score as a file keeps it.
type Record struct {
	Name       string     `json:"name"`
	Value      float64    `json:"value"`
	StdErr     float64    `json:"std_error,omitempty"` // over the images
	Unit       string     `json:"unit,omitempty"`
	Better     string     `json:"better"` // "higher" or "lower"
	Protocol   string     `json:"protocol"`
	Note       string     `json:"note,omitempty"`
	Images     int        `json:"images"`
	PerUnit    []float64  `json:"per_unit,omitempty"` // of each latent unit or mode
	Seconds    float64    `json:"seconds,omitempty"`  // it took, less what was computed for another metric
	Provenance Provenance `json:"of"`
	Measured   time.Time  `json:"measured"`
}

// Records returns the scores as records, measured now.
func (s Scores) Records(of Provenance) []Record {
	var all []Record
	now := time.Now().UTC().Truncate(time.Second)
	for _, x := range s {
		all = append(all, Record{
			Name: x.Metric.Name, Value: x.Value, StdErr: x.StdErr, Unit: x.Metric.Unit, Better: x.Metric.Better(),
			Protocol: x.Metric.About, Note: x.Note, Images: x.Images, PerUnit: x.Units, Seconds: x.Took.Seconds(), Provenance: of, Measured: now,
		})
	}
	return all
}

// Known returns a function for Task.Known: it finds the score of a metric among records of the
// same protocol, weights, data, seed and version of the program.
func Known(records []Record, of Provenance) func(Metric) (Score, bool) {
	return func(m Metric) (Score, bool) {
		for _, r := range records {
			was := r.Provenance
			was.Checkpoint = of.Checkpoint // a folder may have moved: the weights are the same
			if r.Name == m.Name && r.Protocol == m.About && was == of && of.Weights != "" {
				took := time.Duration(r.Seconds * float64(time.Second))
				return Score{Metric: m, Value: r.Value, StdErr: r.StdErr, Units: r.PerUnit, Images: r.Images, Note: r.Note, Took: took}, true
			}
		}
		return Score{}, false
	}
}

// recordFile is the file.
type recordFile struct {
	Format int           `json:"format"`
	Scores []namedRecord `json:"scores"`
}

// isDamaged reports whether the text of a file has a checksum at its end that is not its own.
func isDamaged(text []byte) bool {
	object, sum := sealed.Unseal(text)
	if sum == "" || sum == sealed.Sum(object) {
		return false
	}
	// Earlier versions had the checksum of the scores alone.
	var old struct {
		Scores json.RawMessage `json:"scores"`
	}
	return json.Unmarshal(object, &old) != nil || sum != sealed.Sum(old.Scores)
}

// A namedRecord is a Record that is refused without a name. Decoding stops at the first such
// record: the 16 MiB of a file could otherwise hold five million empty ones, of 1.4 GB.
type namedRecord Record

// UnmarshalJSON decodes one record.
func (r *namedRecord) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*Record)(r)); err != nil {
		return err
	}
	if r.Name == "" {
		return errors.New("a record without a name")
	}
	return nil
}

// ReadRecords returns the records of the file of that name; none if there is no such file. It
// fails if the file is not one that WriteRecords wrote.
func ReadRecords(name string) ([]Record, error) {
	b, err := disk.At(filepath.Dir(name)).ReadFile(filepath.Base(name), maxRecords)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, disk.ErrTooLong):
		return nil, fmt.Errorf("eval: %s: more than %d bytes: it is not one of ours", name, maxRecords)
	case err != nil:
		return nil, fmt.Errorf("eval: %w", err)
	}
	var file recordFile
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("eval: %s: %w: move it away", name, err)
	}
	if file.Format != recordFormat {
		return nil, fmt.Errorf("eval: %s: format %d: this imago reads %d: move it away", name, file.Format, recordFormat)
	}
	if isDamaged(b) {
		return nil, fmt.Errorf("eval: %s: its scores are not those that were written: it is damaged, or somebody has edited it: move it away, and measure again", name)
	}
	var records []Record
	for _, r := range file.Scores {
		records = append(records, Record(r))
	}
	return records, nil
}

// WriteRecords adds records to the file of that name, which is replaced as a whole. A new
// record replaces an older one of the same name and data. Other records stay: they may have
// taken hours.
func WriteRecords(name string, records []Record) error {
	old, err := ReadRecords(name)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(old, func(o Record) bool {
		return slices.ContainsFunc(records, func(r Record) bool { return r.Name == o.Name && r.Provenance.DataDigest == o.Provenance.DataDigest })
	})
	file := recordFile{Format: recordFormat}
	for _, r := range append(all, records...) {
		file.Scores = append(file.Scores, namedRecord(r))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(file)
	if err == nil {
		var text []byte
		if text, err = sealed.Seal(b.Bytes()); err == nil {
			err = atomicfile.WriteBytes(name, text)
		}
	}
	if err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	return nil
}
