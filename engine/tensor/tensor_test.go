package tensor

import "testing"

func TestFromSliceChecksSize(t *testing.T) {
	if _, err := FromSlice([]float32{1, 2, 3}, 2, 2); err == nil {
		t.Error("no error for 3 elements of a 2×2 tensor")
	}
	if _, err := FromSlice([]float32{}, 0); err == nil {
		t.Error("no error for an axis of length 0")
	}
	d := []int32{1, 2, 3, 4}
	x, err := FromSlice(d, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	d[3] = 9
	if x.I32()[3] != 9 || x.F32() != nil || x.String() != "i32[2,2]" {
		t.Errorf("got %v %v %v, want the same memory, no floats, i32[2,2]", x.I32(), x.F32(), x)
	}
}

func TestShapeCheckOverflow(t *testing.T) {
	if err := (Shape{1 << 20, 1 << 20}).Check(); err == nil {
		t.Error("no error for a shape of 2^40 elements")
	}
	if err := (Shape{}).Check(); err != nil {
		t.Errorf("a scalar: %v", err)
	}
	if n := (Shape{}).Size(); n != 1 {
		t.Errorf("a scalar has %d elements, want 1", n)
	}
}

func TestParseDType(t *testing.T) {
	for _, d := range []DType{Float32, Int32, Uint8} {
		if got, err := ParseDType(d.String()); err != nil || got != d {
			t.Errorf("ParseDType(%q) = %v, %v", d, got, err)
		}
	}
	if _, err := ParseDType("f64"); err == nil {
		t.Error("no error for f64")
	}
}
