package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
)

// file returns a file of a header and data.
func file(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// golden is written out from the specification, byte by byte: three types in the order of the first implementation
// (F32, I32, U8, then by name), a scalar, a header of 8·k bytes with its spaces.
var golden = file(
	`{"__metadata__":{"a":"1","format":"<imago>"},`+
		`"b.bias":{"dtype":"F32","shape":[],"data_offsets":[0,4]},`+
		`"b.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},`+
		`"a.steps":{"dtype":"I32","shape":[2],"data_offsets":[12,20]},`+
		`"a.pixels":{"dtype":"U8","shape":[1,3],"data_offsets":[20,23]}}`+strings.Repeat(" ", 7),
	"\x00\x00\x80\x3f"+ // 1
		"\x00\x00\x00\xc0\xdb\x0f\x49\x40"+ // -2, π
		"\x01\x00\x00\x00\xfe\xff\xff\xff"+ // 1, -2
		"\x00\x7f\xff")

func goldenTensors(t testing.TB) (map[string]*tensor.Tensor, map[string]string) {
	return map[string]*tensor.Tensor{
		"b.bias":   array(t, []float32{1}),
		"b.weight": array(t, []float32{-2, math.Pi}, 2, 1),
		"a.steps":  array(t, []int32{1, -2}, 2),
		"a.pixels": array(t, []uint8{0, 127, 255}, 1, 3),
	}, map[string]string{"format": "<imago>", "a": "1"}
}

func array[T float32 | int32 | uint8](t testing.TB, data []T, shape ...int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.FromSlice(data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func same(a, b *tensor.Tensor) bool {
	bits := func(x *tensor.Tensor) []uint32 {
		var u []uint32
		for _, v := range x.F32() {
			u = append(u, math.Float32bits(v))
		}
		return u
	}
	return a.DType() == b.DType() && a.Shape().Equal(b.Shape()) &&
		slices.Equal(bits(a), bits(b)) && slices.Equal(a.I32(), b.I32()) && slices.Equal(a.U8(), b.U8())
}

func TestGolden(t *testing.T) {
	want, meta := goldenTensors(t)
	for range 5 { // map order
		var b bytes.Buffer
		if err := Write(&b, want, meta); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), golden) {
			t.Fatalf("wrote\n%q\nwant\n%q", b.Bytes(), golden)
		}
	}
	f, err := NewReader("golden", bytes.NewReader(golden), int64(len(golden)))
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(f.Metadata(), meta) {
		t.Errorf("metadata %v, want %v", f.Metadata(), meta)
	}
	got, err := f.All()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d tensors, %v; want %d", len(got), err, len(want))
	}
	for name, w := range want {
		if !f.Has(name) || got[name] == nil || !same(got[name], w) {
			t.Errorf("%s: read %v, want %v and its data", name, got[name], w)
		}
	}
	in := f.Infos()[1]
	if base := int64(len(golden) - 23); in.Name != "b.weight" || in.DType != "F32" || in.Begin != base+4 || in.End != base+12 {
		t.Errorf("second tensor %+v, want b.weight at %d", in, base+4)
	}
	if _, err := f.Tensor("c"); err == nil || err.Error() != `safetensors: golden: no tensor "c" among its 4` {
		t.Errorf("a tensor that is not there: %v", err)
	}
}

func TestEmpty(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, nil, nil); err != nil {
		t.Fatal(err)
	}
	if want := file("{}      ", ""); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("wrote %q, want %q", b.Bytes(), want)
	}
	f, err := NewReader("empty", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(f.Infos()) != 0 || f.Metadata() != nil {
		t.Errorf("read %v, %v", f, err)
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "w.safetensors")
	// Longer than the buffer, so that chunks must meet; the size is prime to it.
	long := make([]float32, 70_001)
	steps, bytes := make([]int32, 33_333), make([]uint8, 99_991)
	for i := range long {
		long[i] = float32(i) * 0.37
	}
	for i := range steps {
		steps[i] = int32(i * i)
	}
	for i := range bytes {
		bytes[i] = uint8(i * 7)
	}
	want := map[string]*tensor.Tensor{
		"long": array(t, long, 70_001), "steps": array(t, steps, 3, 11_111), "bytes": array(t, bytes, 99_991),
		"nan":    array(t, []float32{math.Float32frombits(0x7fc12345), float32(math.Inf(-1)), math.Float32frombits(1 << 31)}, 3),
		"":       tensor.New(tensor.Float32, 2, 0),
		"é\n\"<": tensor.New(tensor.Uint8, 1),
	}
	if err := WriteFile(name, want, nil); err != nil {
		t.Fatal(err)
	}
	got, meta, err := Read(name)
	if err != nil || len(got) != len(want) || meta != nil {
		t.Fatalf("read %d tensors, metadata %v, %v", len(got), meta, err)
	}
	for n, w := range want {
		if got[n] == nil || !same(got[n], w) {
			t.Errorf("%q: data changed on the way", n)
		}
	}
	// A file cut short after it was opened.
	f, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(name, 100_000); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("long"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), name+`: tensor "long": offset 100000: `) {
		t.Errorf("error %v, want the file, the tensor and offset 100000", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	x := tensor.New(tensor.Float32, 1)
	for _, tt := range []struct {
		tensors map[string]*tensor.Tensor
		meta    map[string]string
		want    string
	}{
		{map[string]*tensor.Tensor{"__metadata__": x}, nil, `safetensors: tensor "__metadata__": not a name the format has room for`},
		{map[string]*tensor.Tensor{"\xff": x}, nil, `safetensors: tensor "\xff": not a name the format has room for`},
		{map[string]*tensor.Tensor{"x": nil}, nil, `safetensors: tensor "x" is nil`},
		{map[string]*tensor.Tensor{"x": tensor.New(tensor.DType(9), 1)}, nil, `safetensors: tensor "x": unsupported element type dtype(9); imago writes float32, int32, uint8`},
		{nil, map[string]string{"k": "\xff"}, `safetensors: metadata "k" is not UTF-8`},
	} {
		if err := Write(io.Discard, tt.tensors, tt.meta); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
}

func TestWidening(t *testing.T) {
	f64 := func(v ...float64) (s string) {
		for _, v := range v {
			s += string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		}
		return s
	}
	for _, tt := range []struct {
		dtype, data string
		want        []float32
	}{
		{"F64", f64(1, -0.1, 1e300), []float32{1, -0.1, float32(math.Inf(1))}},
		{"F16", "\x00\x3c\x00\xc0\xff\x7b", []float32{1, -2, 65504}},
		{"BF16", "\x80\x3f\x49\x40\x80\xff", []float32{1, 3.140625, float32(math.Inf(-1))}},
	} {
		b := file(fmt.Sprintf(`{"x":{"shape":[3],"data_offsets":[0,%d],"dtype":%q}}`, len(tt.data), tt.dtype), tt.data)
		f, err := NewReader("w", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if x, err := f.Tensor("x"); err != nil || !slices.Equal(x.F32(), tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.dtype, x, err, tt.want)
		}
	}
}

// badFiles are refused, each for its own reason; they seed the fuzzer too.
var badFiles = []struct {
	name string
	file []byte
	want string // the whole error after "safetensors: bad: "
	err  error
}{
	{"empty", nil, "not a well-formed safetensors file: 0 bytes, want the 8 of the header's length at least", ErrFormat},
	{"a header of 2⁶³ bytes", []byte("\x00\x00\x00\x00\x00\x00\x00\x80{}"), "offset 0: not a well-formed safetensors file: a header of 9223372036854775808 bytes in a file of 10, want at most 2", ErrFormat},
	{"a header of all ones", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "offset 0: not a well-formed safetensors file: a header of 18446744073709551615 bytes in a file of 10, want at most 2", ErrFormat},
	{"a header longer than the file", file("{}", "")[:9], "offset 0: not a well-formed safetensors file: a header of 2 bytes in a file of 9, want at most 1", ErrFormat},
	{"no header", file("", ""), "offset 8: not a well-formed safetensors file: the header does not start with {", ErrFormat},
	{"an HTML page", []byte("<!DOCTYPE html><html></html>"), "offset 0: not a well-formed safetensors file: a header of 5789751444030890300 bytes in a file of 28, want at most 20", ErrFormat},
	{"space before the header", file(" {}", ""), "offset 8: not a well-formed safetensors file: the header does not start with {", ErrFormat},
	{"bytes after the header", file("{} \n", ""), `offset 10: not a well-formed safetensors file: "\n" after the header's object, want spaces`, ErrFormat},
	{"not UTF-8", file("{\"\xff\":{}}", ""), "offset 8: not a well-formed safetensors file: the header is not UTF-8", ErrFormat},
	{"not JSON", file("{x}", ""), "offset 9: not a well-formed safetensors file: the header is not JSON: invalid character 'x'", ErrFormat},
	{"half a header", file(`{"x":{"dtype":"F32"`, ""), "offset 27: not a well-formed safetensors file: the header ends too early", ErrFormat},
	{"a list", file(`{"x":[]}`, ""), "offset 14: not a well-formed safetensors file: found [, want {", ErrFormat},
	{"a name twice", file(`{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{}}`, ""), `offset 64: not a well-formed safetensors file: "x" stands twice in the header`, ErrFormat},
	{"a name twice, escaped", file(`{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0078":{}}`, ""), `offset 69: not a well-formed safetensors file: "x" stands twice in the header`, ErrFormat},
	{"a key twice", file(`{"x":{"dtype":"U8","dtype":"U8"}}`, ""), `offset 39: not a well-formed safetensors file: tensor "x": dtype stands twice`, ErrFormat},
	{"shape twice", file(`{"x":{"shape":[],"shape":[1]}}`, ""), `offset 36: not a well-formed safetensors file: tensor "x": shape stands twice`, ErrFormat},
	{"offsets twice", file(`{"x":{"data_offsets":[],"data_offsets":[1]}}`, ""), `offset 50: not a well-formed safetensors file: tensor "x": data_offsets stands twice`, ErrFormat},
	{"a key of another case", file(`{"x":{"DType":"U8"}}`, ""), `offset 21: not a well-formed safetensors file: tensor "x": unknown key "DType"; want dtype, shape, data_offsets`, ErrFormat},
	{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, ""), `offset 41: not a well-formed safetensors file: "__metadata__" stands twice in the header`, ErrFormat},
	{"metadata key twice", file(`{"__metadata__":{"a":"","a":""}}`, ""), `offset 38: not a well-formed safetensors file: __metadata__: "a": want each key once, with a string`, ErrFormat},
	{"metadata not a string", file(`{"__metadata__":{"a":1}}`, ""), `offset 30: not a well-formed safetensors file: __metadata__: "a": want each key once, with a string`, ErrFormat},
	{"a dtype that is a number", file(`{"x":{"dtype":1}}`, ""), `offset 23: not a well-formed safetensors file: tensor "x": dtype is 1, want a string`, ErrFormat},
	{"no shape", file(`{"x":{"dtype":"U8","data_offsets":[0,0]}}`, ""), `offset 48: not a well-formed safetensors file: tensor "x": want dtype, shape and a pair of data_offsets`, ErrFormat},
	{"three offsets", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}`, "a"), `offset 62: not a well-formed safetensors file: tensor "x": want dtype, shape and a pair of data_offsets`, ErrFormat},
	{"a negative axis", file(`{"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}`, ""), `offset 38: not a well-formed safetensors file: tensor "x": shape holds -1, want integers from 0 to 2⁶³-1`, ErrFormat},
	{"a fractional axis", file(`{"x":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, "a"), `offset 39: not a well-formed safetensors file: tensor "x": shape holds 1.0, want integers from 0 to 2⁶³-1`, ErrFormat},
	{"a shape that is a number", file(`{"x":{"dtype":"U8","shape":3}}`, ""), `offset 36: not a well-formed safetensors file: tensor "x": shape is 3, want an array`, ErrFormat},
	{"a size that overflows", file(`{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ""), `offset 81: not a well-formed safetensors file: tensor "x": the size of shape [4294967296 4294967296] overflows`, ErrFormat},
	{"4 billion elements in 4 bytes", file(`{"x":{"dtype":"F32","shape":[4000000000],"data_offsets":[0,4]}}`, "abcd"), `offset 70: not a well-formed safetensors file: tensor "x": data_offsets [0,4], but F32[4000000000] has 16000000000 bytes`, ErrFormat},
	{"4 billion elements, and offsets to match", file(`{"x":{"dtype":"F32","shape":[4000000000],"data_offsets":[0,16000000000]}}`, "abcd"), `tensor "x": not a well-formed safetensors file: data_offsets end at 16000000000, but the file has 4 bytes of data: is it cut short?`, ErrFormat},
	{"offsets the wrong way round", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, "a"), `offset 60: not a well-formed safetensors file: tensor "x": data_offsets [1,0], but U8[1] has 1 bytes`, ErrFormat},
	{"a hole", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, "abc"), `tensor "y": not a well-formed safetensors file: bytes 1 to 2 of the data before it belong to no tensor`, ErrFormat},
	{"an overlap", file(`{"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "abc"), `tensor "y": not a well-formed safetensors file: data_offsets begin at 1, inside the tensor before it, which ends at 2`, ErrFormat},
	{"twice the same bytes", file(`{"y":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "ab"), `tensor "y": not a well-formed safetensors file: data_offsets begin at 0, inside the tensor before it, which ends at 2`, ErrFormat},
	{"bytes at the end", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "abc"), `not a well-formed safetensors file: the last 2 of 3 bytes of data belong to no tensor`, ErrFormat},
	{"a type of another world", file(`{"x":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}}`, "a"), `tensor "x": unsupported element type "Q4"`, ErrUnsupported},
	{"a type that is not read", file(`{"x":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, "abcdefgh"), `tensor "x": unsupported element type I64; imago reads F32, F64, F16, BF16, I32, U8`, ErrUnsupported},
}

func decode(b []byte) (map[string]*tensor.Tensor, map[string]string, error) {
	f, err := NewReader("bad", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, nil, err
	}
	all, err := f.All()
	return all, f.Metadata(), err
}

func TestBadFiles(t *testing.T) {
	for _, tt := range badFiles {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := decode(tt.file)
			if want := "safetensors: bad: " + tt.want; !errors.Is(err, tt.err) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(dir); err == nil || err.Error() != "safetensors: "+dir+": not a file" {
		t.Errorf("a folder: %v", err)
	}
}

// brokenDisk fails after some bytes.
type brokenDisk struct {
	r *bytes.Reader
	n int64
}

var errDisk = errors.New("input/output error")

func (d brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > d.n {
		return 0, errDisk
	}
	return d.r.ReadAt(p, off)
}

func TestDiskError(t *testing.T) {
	base := int64(len(golden) - 23)
	f, err := NewReader("d", brokenDisk{bytes.NewReader(golden), base + 4}, int64(len(golden)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("b.bias"); err != nil {
		t.Errorf("a tensor before the fault: %v", err)
	}
	_, err = f.Tensor("b.weight")
	if want := fmt.Sprintf(`safetensors: d: tensor "b.weight": offset %d: input/output error`, base+4); errors.Is(err, ErrFormat) || !errors.Is(err, errDisk) || err.Error() != want {
		t.Errorf("error %v, want %s, which is not ErrFormat", err, want)
	}
}

// TestAllocation checks that a small file does not cause a large allocation.
func TestAllocation(t *testing.T) {
	var before, after runtime.MemStats
	for _, tt := range badFiles {
		runtime.ReadMemStats(&before)
		decode(tt.file)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes allocated for a file of %d", tt.name, n, len(tt.file))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(golden)
	f.Add(golden[:len(golden)-1])
	for _, tt := range badFiles {
		f.Add(tt.file)
	}
	f.Add(file(`{"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]}}`, "abcd"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, meta, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("a bad file gave %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := Write(&out, all, meta); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, meta2, err := decode(out.Bytes())
		if err != nil || len(again) != len(all) || !maps.Equal(meta, meta2) {
			t.Fatalf("%d tensors %v became %d %v: %v", len(all), meta, len(again), meta2, err)
		}
		for name, x := range all {
			if !same(x, again[name]) {
				t.Errorf("%q changed on the way", name)
			}
		}
	})
}

// TestReadBounds checks that a header of very many tensors, axes or keys is refused before it is read to its end, and
// that a tensor beyond the memory budget is refused before it is allocated.
func TestReadBounds(t *testing.T) {
	repeat := func(n int, each func(i int) string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(each(i))
		}
		return b.String()
	}
	for name, header := range map[string]string{
		"more than 65536 tensors": "{" + repeat(200_000, func(i int) string { return fmt.Sprintf(`"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i) }) + "}",
		"more than 65536 keys":    `{"__metadata__":{` + repeat(200_000, func(i int) string { return fmt.Sprintf(`"k%d":""`, i) }) + "}}",
		"more than 64 numbers":    `{"t":{"dtype":"F32","shape":[` + repeat(200_000, func(int) string { return "1" }) + `],"data_offsets":[0,4]}}`,
	} {
		b := file(header, "")
		_, err := NewReader("x", bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), name) {
			t.Errorf("%.80v, want %q", err, name)
		}
	}
	big := tensor.New(tensor.Uint8, 16<<20)
	path := filepath.Join(t.TempDir(), "x")
	if err := WriteFile(path, map[string]*tensor.Tensor{"t": big}, nil); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	defer memory.SetLimit(0)
	var over *memory.Error
	if _, _, err := Read(path); !errors.As(err, &over) || !strings.Contains(err.Error(), `tensor "t": its u8[16777216] takes `) {
		t.Errorf("16 MiB in 8: %v", err)
	}
	runtime.KeepAlive(big)
	long := file("{"+strings.Repeat(" ", 4<<20)+"}", "")
	runtime.GC()
	memory.SetLimit(memory.InUse() + 8<<20)
	if _, err := NewReader("x", bytes.NewReader(long), int64(len(long))); !errors.As(err, &over) || !strings.Contains(err.Error(), "a header of ") {
		t.Errorf("a header of 4 MiB in 8: %v", err)
	}
}
