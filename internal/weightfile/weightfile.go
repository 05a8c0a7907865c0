// Package weightfile opens files of weights of other frameworks, by what their first bytes are: PyTorch's (torch.save),
// safetensors, and NumPy's NPZ. Keras' own formats are HDF5, which it tells how to convert. The result is what package
// models/transfer takes:
//
//	f, err := weightfile.Open([]string{"model.pth"}, "")
//	defer f.Close()
//	m, err := transfer.Find(model, f.File, false)
//
// It must not know what the arrays are for.
package weightfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/formats/torch"
	"github.com/imago-ml/imago/formats/zipfile"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/models/transfer"
)

// ErrKeras marks a file of Keras' own formats, which are not read; the error has the lines of Python that write one that
// is. Test with errors.Is.
var ErrKeras = errors.New("it is HDF5, as Keras writes it, which imago does not read")

// FromKeras are the lines of Python that write the weights of a Keras model as an NPZ file.
const FromKeras = `import numpy, keras
model = keras.saving.load_model("model.keras")  # or build it and call load_weights
numpy.savez("model.npz", *model.get_weights())`

// A File is the arrays of one file, or of several.
type File struct {
	transfer.File
	Imago bool // imago wrote the only file, or it has the names of imago
	close []func() error
}

// Open opens files. The arrays of several have the names of their files before their own, as netG.main.0.weight of
// netG.pth. The key is that of a dictionary in a file of PyTorch: see torch.Open; "" for all. The caller closes the file.
func Open(paths []string, key string) (*File, error) {
	all := &File{File: transfer.File{Ordered: true}}
	for _, path := range paths {
		one, err := open(path, key)
		if err != nil {
			all.Close()
			return nil, err
		}
		all.close = append(all.close, one.close...)
		all.Ordered = all.Ordered && one.Ordered
		if len(paths) == 1 {
			all.Arrays, all.Imago = one.Arrays, one.Imago
			continue
		}
		base := filepath.Base(path)
		for _, a := range one.Arrays {
			a.Name = strings.TrimSuffix(base, filepath.Ext(base)) + "." + a.Name
			all.Arrays = append(all.Arrays, a)
		}
	}
	return all, nil
}

// Close closes the files.
func (f *File) Close() error {
	var err error
	for _, c := range f.close {
		err = errors.Join(err, c())
	}
	return err
}

func open(path, key string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	head := make([]byte, 8)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return nil, err
	}
	head = head[:n]
	var opened *File
	switch {
	case bytes.Equal(head, []byte("\x89HDF\r\n\x1a\n")):
		return nil, fmt.Errorf("%s: %w: write an NPZ file, in Python: %s", path, ErrKeras, strings.ReplaceAll(FromKeras, "\n", "; "))
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		z, bad := zipfile.Open(f, st.Size(), memory.Check)
		if bad != nil {
			return nil, fmt.Errorf("%s: a zip that cannot be read: %w", path, bad)
		}
		has := func(name string) bool {
			return slices.ContainsFunc(z.File, func(e *zip.File) bool { return e.Name == name })
		}
		if has("model.weights.h5") {
			return nil, fmt.Errorf("%s: %w: write an NPZ file, in Python: %s", path, ErrKeras, strings.ReplaceAll(FromKeras, "\n", "; "))
		}
		if slices.ContainsFunc(z.File, func(e *zip.File) bool { return strings.HasSuffix(e.Name, ".npy") }) {
			opened, err = openNPZ(path, st.Size())
			break
		}
		return openTorch(path, key)
	case bytes.HasPrefix(head, []byte("\x80\x02")), strings.EqualFold(filepath.Ext(path), ".pth"), strings.EqualFold(filepath.Ext(path), ".pt"):
		return openTorch(path, key)
	default:
		opened, err = openSafetensors(path)
	}
	if err == nil && key != "" {
		opened.Close()
		return nil, fmt.Errorf("%s: the key %q is for a file of torch.save: this one has no dictionaries", path, key)
	}
	return opened, err
}

func openTorch(path, key string) (*File, error) {
	t, err := torch.Open(path, key)
	if err != nil {
		return nil, err
	}
	f := &File{File: transfer.File{Ordered: true}, close: []func() error{t.Close}}
	for _, in := range t.Infos() {
		f.Arrays = append(f.Arrays, transfer.Array{Name: in.Name, Shape: in.Shape, Read: func() (*tensor.Tensor, error) { return t.Tensor(in.Name) }})
	}
	return f, nil
}

func openSafetensors(path string) (*File, error) {
	s, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{Imago: s.Metadata()["imago"] != "", close: []func() error{s.Close}}
	for _, in := range s.Infos() {
		f.Arrays = append(f.Arrays, transfer.Array{Name: in.Name, Shape: in.Shape, Read: func() (*tensor.Tensor, error) { return s.Tensor(in.Name) }})
	}
	return f, nil
}

func openNPZ(path string, size int64) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := numpy.NewReader(file, size)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := &File{File: transfer.File{Ordered: true}, close: []func() error{file.Close}}
	for _, name := range r.InOrder() {
		shape, err := r.Shape(name)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		f.Arrays = append(f.Arrays, transfer.Array{Name: name, Shape: shape, Read: func() (*tensor.Tensor, error) {
			t, err := r.Read(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return t, nil
		}})
	}
	return f, nil
}
