package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
)

// N items, Z latent units, A attributes, in every comment of this file.

// Codes are the codes of training items, with their labels and attributes.
type Codes struct {
	// Set has the codes as the items of its training part, in place of the items that were
	// encoded, and their labels and attributes. Its name and digest are those of the set of
	// the items.
	Set    *data.Set
	Mean   []float32 // (N, Z)
	LogVar []float32 // (N, Z), ln σ²; nil of a deterministic model
}

// ErrFormat marks a file that is no file of codes, and ErrWeights codes of other weights than
// those of the session. Test with errors.Is.
var (
	ErrFormat  = errors.New("not a file of codes as Codes.Write writes it")
	ErrWeights = errors.New("the codes are of other weights")
)

// maxNumbers is the most numbers that the codes are kept for: 16 MiB with their variances.
const maxNumbers = 1 << 21

// A codesAbout is the metadata of a file of codes, as JSON under the key "codes". Its fields
// are never renamed.
type codesAbout struct {
	Weights    string   `json:"weights"` // Fingerprint of the model
	Set        string   `json:"set"`
	Digest     string   `json:"digest"`
	Classes    []string `json:"classes,omitempty"`
	Attributes []string `json:"attributes,omitempty"`
}

// Encode returns the codes of n training items of set, evenly spaced; 0 means all. Of many
// latent units, they are those of fewer items.
func Encode(ctx context.Context, s *latent.Session, set *data.Set, n int) (*Codes, error) {
	most := max(1, maxNumbers/max(1, s.Latent()))
	if n == 0 || n > most {
		n = most
	}
	train, err := set.Train.EvenlySpaced(n)
	if err != nil {
		return nil, err
	}
	mean, logVar, err := s.EncodeMeans(ctx, set.Labelled(train))
	if err != nil {
		return nil, err
	}
	about := codesAbout{Set: set.Name, Digest: set.Digest, Classes: set.Classes, Attributes: set.Attributes}
	return newCodes(about, s.Latent(), mean, logVar, train.Labels, train.Attributes)
}

// newCodes returns codes with a set of them.
func newCodes(about codesAbout, units int, mean, logVar []float32, labels []int32, attributes []uint8) (*Codes, error) {
	items, err := data.NewValues(mean, table.Item(make([]table.Column, units)))
	if err != nil {
		return nil, err
	}
	set := &data.Set{Name: about.Set, Digest: about.Digest, Classes: about.Classes, Attributes: about.Attributes,
		Train: data.Split{Items: items, Labels: labels, Attributes: attributes}}
	return &Codes{set, mean, logVar}, set.Validate()
}

// Write saves the codes with a run, for the model of s: the tensors mean, log_var, labels and
// attributes in a safetensors file.
func (c *Codes) Write(dir disk.Folder, s *latent.Session) error {
	weights, err := s.Fingerprint()
	if err != nil {
		return err
	}
	about, err := json.Marshal(codesAbout{weights, c.Set.Name, c.Set.Digest, c.Set.Classes, c.Set.Attributes})
	if err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	p, tensors := c.Set.Train, map[string]*tensor.Tensor{}
	n := p.Len()
	if tensors["mean"], err = tensor.FromSlice(c.Mean, n, s.Latent()); err == nil && c.LogVar != nil {
		tensors["log_var"], err = tensor.FromSlice(c.LogVar, n, s.Latent())
	}
	if err == nil && p.Labels != nil {
		tensors["labels"], err = tensor.FromSlice(p.Labels, n)
	}
	if err == nil && p.Attributes != nil {
		tensors["attributes"], err = tensor.FromSlice(p.Attributes, n, len(c.Set.Attributes))
	}
	if err == nil {
		meta := map[string]string{"codes": string(about)}
		err = atomicfile.WriteIn(dir, CodesFile, func(w io.Writer) error { return safetensors.WriteSealed(w, tensors, meta) })
	}
	if err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	return nil
}

// OpenCodes returns the codes that are saved with a run, of the weights of s. The error is
// fs.ErrNotExist if there are none, ErrWeights if they are of other weights, ErrFormat if the
// file is damaged.
func OpenCodes(dir disk.Folder, s *latent.Session) (*Codes, error) {
	name := dir.Path(CodesFile)
	tensors, meta, err := safetensors.ReadIn(dir, CodesFile)
	if err != nil {
		return nil, err
	}
	var about codesAbout
	if err := json.Unmarshal([]byte(meta["codes"]), &about); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrFormat, err)
	}
	own, err := s.Fingerprint()
	if err != nil {
		return nil, err
	}
	if about.Weights != own {
		return nil, fmt.Errorf("%s: %w", name, ErrWeights)
	}
	c, err := readCodes(about, s.Latent(), tensors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrFormat, err)
	}
	return c, nil
}

// readCodes returns the codes in tensors, which may hold anything.
func readCodes(about codesAbout, units int, tensors map[string]*tensor.Tensor) (*Codes, error) {
	mean := tensors["mean"]
	if mean == nil || mean.DType() != tensor.Float32 || len(mean.Shape()) != 2 || mean.Shape()[1] != units {
		return nil, fmt.Errorf("no codes of %d units", units)
	}
	var logVar []float32
	if v := tensors["log_var"]; v != nil {
		if v.DType() != tensor.Float32 || !v.Shape().Equal(mean.Shape()) {
			return nil, fmt.Errorf("variances of shape %v, want %v", v.Shape(), mean.Shape())
		}
		logVar = v.F32()
	}
	var labels []int32
	if l := tensors["labels"]; l != nil {
		if l.DType() != tensor.Int32 {
			return nil, errors.New("labels that are no whole numbers")
		}
		labels = l.I32()
	}
	var attributes []uint8
	if a := tensors["attributes"]; a != nil {
		if a.DType() != tensor.Uint8 {
			return nil, errors.New("attributes that are not 0 and 1")
		}
		attributes = a.U8()
	}
	return newCodes(about, units, mean.F32(), logVar, labels, attributes)
}
