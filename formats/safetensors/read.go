package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/memory"
)

// A File is an open file whose header has been read and checked. Its tensors are read
// by Tensor and All. It is safe for concurrent use.
type File struct {
	name    string
	r       io.ReaderAt
	close   func() error
	meta    map[string]string // without the checksum
	seal    string            // "" = the file has none
	tensors []Info
	index   map[string]int
}

// Open opens the file called name. The caller closes it.
func Open(name string) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return open(name, f)
}

// open reads the header of an open file.
func open(name string, f disk.File) (*File, error) {
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("safetensors: %s: not a file", name)
	}
	var s *File
	if err == nil {
		s, err = NewReader(name, f, st.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s.close = f.Close
	return s, nil
}

// NewReader reads the header of a file of size bytes; name is for error messages only.
// Close then closes nothing.
func NewReader(name string, r io.ReaderAt, size int64) (*File, error) {
	h, base, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	f := &File{name: name, r: r, meta: h.meta, seal: h.meta[sealKey], tensors: h.tensors, index: make(map[string]int, len(h.tensors))}
	if delete(f.meta, sealKey); len(f.meta) == 0 {
		f.meta = nil
	}
	for i := range f.tensors {
		t := &f.tensors[i]
		t.Begin += base
		t.End += base
		f.index[t.Name] = i
	}
	return f, nil
}

// parsed is how much more memory a header takes than its bytes, about, while it is read.
const parsed = 8

func readHeader(r io.ReaderAt, size int64) (*header, int64, error) {
	var b [8]byte
	if size < 8 {
		return nil, 0, fmt.Errorf("%w: %d bytes, want the 8 of the header's length at least", ErrFormat, size)
	}
	if err := readAt(r, b[:], 0); err != nil {
		return nil, 0, err
	}
	n := binary.LittleEndian.Uint64(b[:])
	if n > maxHeader || n > uint64(size-8) {
		return nil, 0, fmt.Errorf("offset 0: %w: a header of %d bytes in a file of %d, want at most %d",
			ErrFormat, n, size, min(maxHeader, size-8))
	}
	if err := memory.Check(parsed*int64(n), "a header of %d bytes", n); err != nil {
		return nil, 0, err
	}
	buf := make([]byte, n)
	if err := readAt(r, buf, 8); err != nil {
		return nil, 0, err
	}
	base := 8 + int64(n)
	h, err := parseHeader(buf, size-base)
	return h, base, err
}

// readAt fills b. If the file is shorter than its size was at the start, the error says
// that it was truncated.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("offset %d: %w: the file ends, want %d bytes more", off+int64(n), ErrFormat, len(b)-n)
	}
	return fmt.Errorf("offset %d: %w", off+int64(n), err)
}

// Infos returns the tensors in the order of their bytes. The slice belongs to the File:
// do not change it.
func (f *File) Infos() []Info { return f.tensors }

// Metadata returns the metadata of the file, nil if it has none. The map belongs to the
// File: do not change it.
func (f *File) Metadata() map[string]string { return f.meta }

// Has reports whether there is a tensor called name.
func (f *File) Has(name string) bool {
	_, ok := f.index[name]
	return ok
}

// Tensor reads the tensor called name.
func (f *File) Tensor(name string) (*tensor.Tensor, error) {
	i, ok := f.index[name]
	if !ok {
		return nil, fmt.Errorf("safetensors: %s: no tensor %q among its %d", f.name, name, len(f.tensors))
	}
	t, err := f.read(&f.tensors[i])
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: tensor %q: %w", f.name, name, err)
	}
	return t, nil
}

func (f *File) read(in *Info) (*tensor.Tensor, error) {
	d := findDType(in.DType)
	if d.decode == nil {
		return nil, fmt.Errorf("%w element type %s; imago reads F32, F64, F16, BF16, I32, U8", ErrUnsupported, in.DType)
	}
	if in.End > in.Begin { // the parser has seen to the rest of what a Shape can be
		if err := in.Shape.Check(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
	}
	if err := memory.Check(int64(d.as.Bytes())*int64(in.Shape.Size()), "its %s%v", d.as, in.Shape); err != nil {
		return nil, err
	}
	t := tensor.New(d.as, in.Shape...)
	buf := make([]byte, min(64<<10, in.End-in.Begin))
	for at, off := 0, in.Begin; off < in.End; {
		b := buf[:min(int64(len(buf)), in.End-off)]
		if err := readAt(f.r, b, off); err != nil {
			return nil, err
		}
		at += d.decode(t, at, b)
		off += int64(len(b))
	}
	return t, nil
}

// All reads every tensor, and compares them with the checksum of a sealed file (see WriteSealed).
func (f *File) All() (map[string]*tensor.Tensor, error) {
	all := make(map[string]*tensor.Tensor, len(f.tensors))
	for i := range f.tensors {
		name := f.tensors[i].Name
		t, err := f.Tensor(name)
		if err != nil {
			return nil, err
		}
		all[name] = t
	}
	if err := f.checkSeal(all); err != nil {
		return nil, err
	}
	return all, nil
}

// Close closes what Open opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Read reads the whole file called name. It returns its tensors, and its metadata, nil
// if there is none.
func Read(name string) (map[string]*tensor.Tensor, map[string]string, error) {
	f, err := Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	all, err := f.All()
	return all, f.meta, err
}

// ReadIn does what Read does, in a folder out of which no link leads.
func ReadIn(dir disk.Folder, name string) (map[string]*tensor.Tensor, map[string]string, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, nil, err
	}
	f, err := open(dir.Path(name), file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	all, err := f.All()
	return all, f.meta, err
}
