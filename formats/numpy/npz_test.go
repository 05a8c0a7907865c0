package numpy

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/imago-ml/imago/engine/tensor"
)

func f32(t testing.TB, data []float32, shape ...int) *tensor.Tensor { return must(t, data, shape) }

func must[T float32 | int32 | uint8](t testing.TB, data []T, shape []int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.FromSlice(data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func types(t testing.TB) *Reader {
	t.Helper()
	b, err := os.ReadFile("testdata/types.npz")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// types.npz was written by NumPy 1.24.2, numpy.savez_compressed, with
// a = arange(6).reshape(2, 3).
func TestReadTypes(t *testing.T) {
	r := types(t)
	minus := []int32{0, -1, -2, -3, -4, -5}
	var fortran []int32
	for i := range int32(24) {
		fortran = append(fortran, i)
	}
	for name, want := range map[string]*tensor.Tensor{
		"u1":      must(t, []uint8{0, 1, 2, 3, 4, 5}, []int{2, 3}),
		"b1":      must(t, []uint8{1, 0, 1}, []int{3}),
		"i1":      must(t, minus, []int{2, 3}),
		"i2":      must(t, minus, []int{2, 3}),
		"i4":      must(t, minus, []int{2, 3}),
		"i8":      must(t, minus, []int{2, 3}),
		"u2":      must(t, []int32{0, 10000, 20000, 30000, 40000, 50000}, []int{2, 3}),
		"u4":      must(t, []int32{0, 1, 2, 3, 4, 5}, []int{2, 3}),
		"u8":      must(t, []int32{0, 1, 2, 3, 4, 5}, []int{2, 3}),
		"f2":      f32(t, []float32{0, -0.5, 0.333251953125, 65504, 0x1p-24, float32(math.Inf(1))}, 6),
		"f4":      f32(t, []float32{0, 0.5, 1, 1.5, 2, 2.5}, 2, 3),
		"f8":      f32(t, []float32{0, 0.25, 0.5, 0.75, 1, 1.25}, 2, 3),
		"big":     f32(t, []float32{0, 0.5, 1, 1.5, 2, 2.5}, 2, 3),
		"fortran": must(t, fortran, []int{2, 3, 4}),
		"scalar":  f32(t, []float32{7}),
	} {
		got, err := r.Read(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got.DType() != want.DType() || !got.Shape().Equal(want.Shape()) || !slices.Equal(got.F32(), want.F32()) ||
			!slices.Equal(got.I32(), want.I32()) || !slices.Equal(got.U8(), want.U8()) {
			t.Errorf("%s: %v %v %v %v, want %v", name, got, got.F32(), got.I32(), got.U8(), want)
		}
	}
	for _, name := range []string{"wide", "text", "objects", "complex", "record", "none"} {
		if _, err := r.Read(name); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Read("nope"); err == nil || !strings.Contains(err.Error(), "fortran") {
		t.Errorf("%v does not list the arrays", err)
	}
	b, err := os.ReadFile("testdata/v2.npy")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadNPY(bytes.NewReader(b)); err != nil || !bytes.Equal(got.U8(), []uint8{0, 1, 2, 3, 4, 5}) {
		t.Errorf("version 2: %v, %v", got, err)
	}
}

// TestWriteNPYIsNumPys compares with the bytes that numpy.save of NumPy 1.24.2 writes
// for the same array.
func TestWriteNPYIsNumPys(t *testing.T) {
	var b bytes.Buffer
	if err := WriteNPY(&b, f32(t, []float32{0, 0.5, 1, 1.5, 2, 2.5}, 2, 3)); err != nil {
		t.Fatal(err)
	}
	want := "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" + strings.Repeat(" ", 58) +
		"\n\x00\x00\x00\x00\x00\x00\x00?\x00\x00\x80?\x00\x00\xc0?\x00\x00\x00@\x00\x00 @"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestWriteTextIsNumPys compares with the bytes that numpy.save of NumPy 1.24.2 writes for the same texts.
func TestWriteTextIsNumPys(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, []string{"cat", "é😀", ""}); err != nil {
		t.Fatal(err)
	}
	want := "\x93NUMPY\x01\x00v\x00{'descr': '<U3', 'fortran_order': False, 'shape': (3,), }" + strings.Repeat(" ", 60) +
		"\nc\x00\x00\x00a\x00\x00\x00t\x00\x00\x00\xe9\x00\x00\x00\x00\xf6\x01\x00" + strings.Repeat("\x00", 16)
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestNPZRoundTrip(t *testing.T) {
	long := make([]float32, 40_000) // more than one buffer
	for i := range long {
		long[i] = float32(i) / 3
	}
	names := []string{"z", "mu", "labels", "images"}
	ts := []*tensor.Tensor{f32(t, []float32{3}), f32(t, long, 100, 400), must(t, []int32{-1, 1 << 30}, []int{2}), must(t, []uint8{1, 2, 3}, []int{3})}
	var b, again bytes.Buffer
	if err := errors.Join(WriteNPZ(&b, names, ts), WriteNPZ(&again, names, ts)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the bytes differ from one time to the next")
	}
	r, err := NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(r.Names()) != "[images labels mu z]" {
		t.Error(r.Names())
	}
	for i, name := range names {
		got, err := r.Read(name)
		if err != nil || got.String() != ts[i].String() || !slices.Equal(got.F32(), ts[i].F32()) || !slices.Equal(got.I32(), ts[i].I32()) || !bytes.Equal(got.U8(), ts[i].U8()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	// One flipped bit in a stored array is seen by the checksum.
	bad := bytes.Clone(b.Bytes())
	bad[20_000] ^= 1
	if r, err = NewReader(bytes.NewReader(bad), int64(len(bad))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read("mu"); !errors.Is(err, ErrFormat) {
		t.Errorf("a flipped bit gave %v", err)
	}
	for _, names := range [][]string{{"a"}, {"a", "b", "c", "a"}, {"a", "", "c", "d"}} {
		if WriteNPZ(&b, names, ts) == nil {
			t.Errorf("names %q were written", names)
		}
	}
}

// npy returns an array file with that header.
func npy(head string, elements string) []byte {
	return []byte("\x93NUMPY\x01\x00" + string([]byte{byte(len(head)), byte(len(head) >> 8)}) + head + elements)
}

func TestReadNPYRefuses(t *testing.T) {
	good := npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", "abc")
	if x, err := ReadNPY(bytes.NewReader(good)); err != nil || string(x.U8()) != "abc" {
		t.Fatalf("%v, %v", x, err)
	}
	for _, tt := range []struct {
		file []byte
		want error
		says string
	}{
		{nil, ErrFormat, "ends early"},
		{[]byte("<html>not found"), ErrFormat, "offset 0"},
		{good[:30], ErrFormat, "ends early"},
		{good[:len(good)-1], ErrFormat, "after 2 of 3 bytes"},
		{npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", ""), ErrUnsupported, "more than"},
		{npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }", ""), ErrUnsupported, "more than the 2147483648 bytes"},
		{npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-3,), }", ""), ErrFormat, "shape"},
		{npy("{'descr': '|u1', 'fortran_order': False, 'shape': 3, }", ""), ErrFormat, "want a shape"},
		{npy("{'descr': '|u1', 'fortran_order': Maybe, 'shape': (3,), }", ""), ErrFormat, "True nor False"},
		{npy("{'descr': '|u1', 'fortran_order': False, }", ""), ErrFormat, "no shape"},
		{npy("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", ""), ErrUnsupported, `"|O"`},
		{npy("{'descr': '<f0', 'fortran_order': False, 'shape': (3,), }", ""), ErrUnsupported, "<f0"},
		{npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", ""), ErrUnsupported, "fields"},
		{npy("{'x': 3}", ""), ErrFormat, "unknown key"},
		{npy("{'descr': '|u1'} more", ""), ErrFormat, "more after"},
		{npy("{'descr", ""), ErrFormat, "key in quotes"},
		{npy("{", ""), ErrFormat, ""},
		{[]byte("\x93NUMPY\x09\x00\x00\x00"), ErrUnsupported, "version 9"},
		{[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), ErrFormat, "offset 8"},
	} {
		_, err := ReadNPY(bytes.NewReader(tt.file))
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %v with %q", tt.file, err, tt.want, tt.says)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := ReadNPY(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader's error became %v", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadNPY(bytes.NewReader(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2000000000,), }", "abc")))
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrFormat) || got > 1<<20 {
		t.Errorf("%v after allocating %d bytes", err, got)
	}
}

func FuzzReadNPY(f *testing.F) {
	for _, head := range []string{
		"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n",
		"{'descr': '<f2', 'fortran_order': True, 'shape': (2, 3), }",
		"{'shape': (), \"descr\": '>i8', 'fortran_order': False}",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2), }",
		"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
	} {
		f.Add(npy(head, "abcdefghijklmnop"))
	}
	if b, err := os.ReadFile("testdata/v2.npy"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := ReadNPY(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("bad bytes gave %v", err)
			}
			return
		}
		var out, again bytes.Buffer
		if err := WriteNPY(&out, x); err != nil {
			t.Fatal(err)
		}
		y, err := ReadNPY(bytes.NewReader(out.Bytes()))
		if err != nil || y.String() != x.String() {
			t.Fatalf("%v written and read is %v, %v", x, y, err)
		}
		if WriteNPY(&again, y); !bytes.Equal(out.Bytes(), again.Bytes()) { // NaN too
			t.Error("writing and reading changed the array")
		}
	})
}
