package torch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/zipfile"
	"github.com/imago-ml/imago/internal/memory"
)

// An Info describes a tensor of a file.
type Info struct {
	Name  string // its keys, from the outermost, with points between: "netG.main.0.weight"
	DType string // "float32"
	Shape tensor.Shape
}

// A File is an open file. Tensor may be called by several goroutines.
type File struct {
	name    string
	close   func() error
	entries map[string]*zip.File // by the name below the folder of the archive
	infos   []Info
	views   map[string]*view
	groups  []string
}

// Open opens the file called name. Only tensors whose path of keys begins with key are listed, and their names are
// without it; with the key "" all are, and a dictionary that holds all tensors is passed by: {"state_dict": {"fc.weight":
// …}, "epoch": 3} has the tensor fc.weight. What lies in lists, or under keys that are no text (the state of an
// optimiser), is not listed. The caller closes the file.
func Open(name, key string) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("torch: %w", err)
	}
	st, err := f.Stat()
	if err == nil {
		var file *File
		if file, err = NewReader(f, st.Size(), key); err == nil {
			file.name, file.close = name, f.Close
			return file, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("torch: %s: %w", name, err)
}

// NewReader does what Open does with a file of size bytes, which the caller closes.
func NewReader(r io.ReaderAt, size int64, key string) (*File, error) {
	if err := checkMagic(r); err != nil {
		return nil, err
	}
	z, err := zipfile.Open(r, size, memory.Check)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	f := &File{entries: map[string]*zip.File{}, views: map[string]*view{}}
	for _, e := range z.File {
		_, below, _ := strings.Cut(e.Name, "/") // the folder has any name
		f.entries[below] = e
	}
	if f.entries["constants.pkl"] != nil {
		return nil, fmt.Errorf("%w: it is a TorchScript archive, which is a program: save the tensors alone in Python: torch.save(torch.jit.load(\"old.pt\").state_dict(), \"model.pth\")", ErrUnsupported)
	}
	if f.entries["data.pkl"] == nil {
		return nil, fmt.Errorf("%w: a zip without data.pkl", ErrFormat)
	}
	if f.entries["byteorder"] != nil {
		if b, err := f.bytes("byteorder", 6); err != nil || string(b) != "little" {
			return nil, errors.Join(err, fmt.Errorf("%w: the order of bytes is %.10q, want little", ErrUnsupported, b))
		}
	}
	n := f.entries["data.pkl"].UncompressedSize64
	if n > maxPickle {
		return nil, fmt.Errorf("%w: data.pkl of %d bytes, want at most %d", ErrUnsupported, n, maxPickle)
	}
	const parsed = 48 // bytes of memory for a byte of a pickle, about
	if err := memory.Check(parsed*int64(n), "a pickle of %d bytes", n); err != nil {
		return nil, err
	}
	b, err := f.bytes("data.pkl", int64(n))
	if err != nil {
		return nil, err
	}
	v, err := unpickle(b)
	if err != nil {
		return nil, err
	}
	return f, f.list(v, key)
}

// checkMagic returns an error that tells what a file is, if it is no zip and one of those that PyTorch wrote once.
func checkMagic(r io.ReaderAt) error {
	head := make([]byte, 300)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	head = head[:n]
	const again = "load it and save it again with PyTorch 1.6 or later: torch.save(torch.load(\"old.pth\", map_location=\"cpu\"), \"model.pth\")"
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil
	case bytes.HasPrefix(head, []byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")): // pickle of a long
		return fmt.Errorf("%w: torch.save of PyTorch before 1.6 wrote it, or one told not to write a zip: %s", ErrUnsupported, again)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return fmt.Errorf("%w: it is a tar, as PyTorch before 0.2 wrote: %s", ErrUnsupported, again)
	}
	return fmt.Errorf("%w: no zip", ErrFormat)
}

// bytes returns the first n bytes of an entry.
func (f *File) bytes(entry string, n int64) ([]byte, error) {
	e := f.entries[entry]
	if e == nil {
		return nil, fmt.Errorf("%w: no entry %.80q", ErrFormat, entry)
	}
	if e.UncompressedSize64 < uint64(n) {
		return nil, fmt.Errorf("%w: entry %.80q has %d bytes, want %d", ErrFormat, entry, e.UncompressedSize64, n)
	}
	r, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: entry %.80q: %w", ErrFormat, entry, err)
	}
	defer r.Close()
	b, err := memory.ReadFull(r, n, "entry %.80q of %d bytes", entry, n)
	if err == nil && e.UncompressedSize64 == uint64(n) {
		_, err = io.CopyN(io.Discard, r, 1) // the checksum is compared at the end
		if err == io.EOF {
			err = nil
		}
	}
	if over := (*memory.Error)(nil); errors.As(err, &over) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: entry %.80q: %w", ErrFormat, entry, err)
	}
	return b, nil
}

// list finds the tensors in the dictionaries of v.
func (f *File) list(v any, key string) error {
	root, ok := v.(*dict)
	if !ok {
		return fmt.Errorf("%w: it holds %s, want a dictionary of tensors, as model.state_dict() returns", ErrUnsupported, describe(v))
	}
	direct := map[string]bool{}
	seen := map[*dict]bool{}
	if err := f.walk(root, "", 0, seen, direct); err != nil {
		return err
	}
	for group := range direct {
		f.groups = append(f.groups, group)
	}
	slices.Sort(f.groups)
	if len(f.infos) == 0 {
		return fmt.Errorf("%w: no dictionary in it holds tensors under names; its keys are %s", ErrUnsupported, keysOf(root))
	}
	if key == "" && len(f.groups) == 1 {
		key = f.groups[0]
	}
	if key == "" {
		return nil
	}
	var under []Info
	for _, in := range f.infos {
		if short, ok := strings.CutPrefix(in.Name, key+"."); ok {
			f.views[short] = f.views[in.Name]
			in.Name = short
			under = append(under, in)
		}
	}
	if len(under) == 0 {
		return fmt.Errorf("%w: no tensors under the key %.80q; those with tensors are %s", ErrUnsupported, key, strings.Join(f.Keys(), ", "))
	}
	f.infos = under
	return nil
}

// walk lists the tensors of a dictionary and of those in it; at is its path of keys, and direct gets the paths of all that hold
// tensors themselves. A dictionary that is there twice is listed once.
func (f *File) walk(d *dict, at string, depth int, seen map[*dict]bool, direct map[string]bool) error {
	if seen[d] {
		return nil
	}
	seen[d] = true
	if depth > maxDepth {
		return fmt.Errorf("%w: more than %d dictionaries in each other", ErrUnsupported, maxDepth)
	}
	for i, k := range d.keys {
		name, ok := k.(string)
		if !ok {
			continue
		}
		if at != "" {
			name = at + "." + name
		}
		switch v := d.values[i].(type) {
		case *dict:
			if err := f.walk(v, name, depth+1, seen, direct); err != nil {
				return err
			}
		case *view:
			direct[at] = true
			if f.views[name] != nil {
				return fmt.Errorf("%w: two tensors are called %.80q", ErrFormat, name)
			}
			if len(f.infos) == maxTensors {
				return fmt.Errorf("%w: more than %d tensors", ErrUnsupported, maxTensors)
			}
			shape := make(tensor.Shape, len(v.shape))
			for i, n := range v.shape {
				shape[i] = int(n)
			}
			f.views[name] = v
			f.infos = append(f.infos, Info{name, v.storage.name, shape})
		}
	}
	return nil
}

func keysOf(d *dict) string {
	var keys []string
	for _, k := range d.keys[:min(len(d.keys), 20)] {
		keys = append(keys, describe(k))
	}
	return strings.Join(keys, ", ")
}

// Keys returns the paths of keys of the dictionaries that hold tensors themselves: "state_dict", "netG".
func (f *File) Keys() []string {
	var keys []string
	for _, g := range f.groups {
		if g != "" {
			keys = append(keys, g)
		}
	}
	return keys
}

// Infos returns the tensors in the order of the file, which is that of the layers as the program declares them. The slice
// belongs to the File.
func (f *File) Infos() []Info { return f.infos }

// Tensor reads a tensor, in the order of rows, as float32.
func (f *File) Tensor(name string) (*tensor.Tensor, error) {
	t, err := f.read(name)
	if err != nil {
		return nil, fmt.Errorf("torch: %s: tensor %.80q: %w", f.name, name, err)
	}
	return t, nil
}

func (f *File) read(name string) (*tensor.Tensor, error) {
	v := f.views[name]
	if v == nil {
		return nil, errors.New("not in the file")
	}
	decode := decoders[v.storage.name]
	if decode == nil {
		return nil, fmt.Errorf("%w element type %s; imago reads float32, float64, float16, bfloat16", ErrUnsupported, v.storage.name)
	}
	shape := make(tensor.Shape, len(v.shape))
	for i, n := range v.shape {
		shape[i] = int(n)
	}
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err := memory.Check(4*int64(shape.Size()), "its float32%v", shape); err != nil {
		return nil, err
	}
	end, _ := v.end() // has been checked
	b, err := f.bytes(path.Join("data", v.storage.key), end*int64(v.storage.bytes))
	if err != nil {
		return nil, err
	}
	strides := make([]int, len(v.stride))
	for i, n := range v.stride {
		strides[i] = int(n)
	}
	t := tensor.New(tensor.Float32, shape...)
	i := 0
	for at := range tensor.Offsets(shape, strides) {
		t.F32()[i] = decode(b[(int(v.offset)+at)*v.storage.bytes:])
		i++
	}
	return t, nil
}

// decoders convert the first element of b.
var decoders = map[string]func(b []byte) float32{
	"float32":  func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) },
	"float64":  func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) },
	"bfloat16": func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) },
	"float16":  func(b []byte) float32 { return tensor.FromHalf(binary.LittleEndian.Uint16(b)) },
}

// Close closes what Open opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}
