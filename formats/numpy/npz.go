// Package numpy reads and writes NumPy's files: NPY, one array, and NPZ, a zip of arrays by name.
//
// An NPY file is one array: "\x93NUMPY", two bytes of version (1.0, 2.0 and 3.0 are
// read, 1.0 is written), the length of the header (2 bytes in version 1, else 4,
// little-endian), the header, which is the literal of a Python dictionary
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//
// and the elements. bool and uint8 become Uint8 tensors, other integers Int32 (a value
// that needs more bits is refused), float16, float32 and float64 Float32. Objects,
// which are pickled code, complex numbers and records are refused, and so are arrays
// without elements; text is read by ReadText alone. An NPZ file is a zip of NPY files, each named after its
// array. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// Use ReadNPY and WriteNPY for one array, NewReader and WriteNPZ for several. The package
// must not know what the arrays mean; data sets in NPZ files are read by package data/npz.
package numpy

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/zipfile"
	"github.com/imago-ml/imago/internal/memory"
)

// A Reader reads the arrays of an NPZ file by name.
type Reader struct {
	files map[string]*zip.File
	order []string // names as the file has them
}

// NewReader reads the directory of an NPZ file of size bytes. An array is read when
// Read is called.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	z, err := zipfile.Open(r, size, memory.Check)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	out := &Reader{files: map[string]*zip.File{}}
	for _, f := range z.File {
		if name, ok := strings.CutSuffix(f.Name, ".npy"); ok {
			if out.files[name] == nil {
				out.order = append(out.order, name)
			}
			out.files[name] = f
		}
	}
	return out, nil
}

// Names returns the names of the arrays, sorted.
func (r *Reader) Names() []string {
	var names []string
	for n := range r.files {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// InOrder returns the names of the arrays in the order of the file, which is that in which they were given to savez.
func (r *Reader) InOrder() []string { return r.order }

// Shape returns the shape of the array of that name, and reads no elements. The error names the array.
func (r *Reader) Shape(name string) (tensor.Shape, error) {
	f, ok := r.files[name]
	if !ok {
		return nil, fmt.Errorf("array %q: not in the file", name)
	}
	rc, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("array %q: %w: %w", name, ErrFormat, err)
	}
	defer rc.Close()
	h, err := readHeader(rc, false)
	if err != nil {
		return nil, fmt.Errorf("array %q: %w", name, wrapZip(err))
	}
	return h.shape, nil
}

// Read returns the array of that name. The error names the array.
func (r *Reader) Read(name string) (*tensor.Tensor, error) {
	var t *tensor.Tensor
	err := r.open(name, func(f io.Reader) (err error) {
		t, err = ReadNPY(f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("array %q: %w", name, err)
	}
	return t, nil
}

// open calls decode with the NPY file of that name.
func (r *Reader) open(name string, decode func(io.Reader) error) error {
	f, ok := r.files[name]
	if !ok {
		return fmt.Errorf("not in the file, which has %s", strings.Join(r.Names(), ", "))
	}
	rc, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	defer rc.Close()
	if err := decode(rc); err != nil {
		return wrapZip(err)
	}
	// The checksum is compared on reaching the end.
	if _, err := io.CopyN(io.Discard, rc, 1); err != nil && err != io.EOF {
		return wrapZip(err)
	}
	return nil
}

// wrapZip returns ErrFormat for an error of zip or flate about broken data.
func wrapZip(err error) error {
	if over := (*memory.Error)(nil); errors.Is(err, ErrFormat) || errors.Is(err, ErrUnsupported) || errors.As(err, &over) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

// WriteNPZ writes an NPZ file without compression, as numpy.savez does: ts[i] under the
// name names[i]. The bytes depend on the arguments alone. It fails if there are not as
// many names as tensors, or if a name is empty or repeated.
func WriteNPZ(w io.Writer, names []string, ts []*tensor.Tensor) error {
	if len(names) != len(ts) {
		return fmt.Errorf("npz: %d names for %d arrays", len(names), len(ts))
	}
	z := NewWriter(w)
	for i, name := range names {
		if err := z.Add(name, ts[i]); err != nil {
			return err
		}
	}
	return z.Close()
}

// A Writer writes an NPZ file without compression, array by array.
type Writer struct {
	z    *zip.Writer
	seen map[string]bool
}

// NewWriter returns a writer of an NPZ file to w. Close it when all arrays are added.
func NewWriter(w io.Writer) *Writer { return &Writer{zip.NewWriter(w), map[string]bool{}} }

// Add writes t under that name. It fails if the name is empty or repeated.
func (w *Writer) Add(name string, t *tensor.Tensor) error {
	return w.add(name, t == nil, func(f io.Writer) error { return WriteNPY(f, t) })
}

// AddText writes an array of text (N) under that name; see WriteText.
func (w *Writer) AddText(name string, text []string) error {
	return w.add(name, false, func(f io.Writer) error { return WriteText(f, text) })
}

func (w *Writer) add(name string, none bool, write func(io.Writer) error) error {
	if name == "" || w.seen[name] || none {
		return fmt.Errorf("npz: array %d: name %q is empty or repeated, or there is no array", len(w.seen), name)
	}
	w.seen[name] = true
	f, err := w.z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err == nil {
		err = write(f)
	}
	if err != nil {
		return fmt.Errorf("npz: array %q: %w", name, err)
	}
	return nil
}

// Close writes the directory of the file.
func (w *Writer) Close() error {
	if err := w.z.Close(); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	return nil
}
