package data

import "fmt"

// InMemory is Items held in one array.
type InMemory struct {
	pix     []uint8 // (N, H, W, C)
	n       int
	h, w, c int
}

// NewInMemory wraps pix, of shape (n, h, w, c), which it keeps and does not
// copy. It fails if the sizes do not agree or c is neither 1 nor 3.
func NewInMemory(pix []uint8, n, h, w, c int) (*InMemory, error) {
	if n < 0 || h <= 0 || w <= 0 || (c != 1 && c != 3) {
		return nil, fmt.Errorf("data: images of shape %dx%dx%dx%d, want n of 0 or more, h and w of 1 or more, c of 1 or 3", n, h, w, c)
	}
	// Division, so that a huge claim cannot overflow into an agreeing product.
	if rest := len(pix); n == 0 && rest != 0 || n > 0 && (rest%n != 0 || rest/n%h != 0 || rest/n/h%c != 0 || rest/n/h/c != w) {
		return nil, fmt.Errorf("data: %d bytes of pixels for images of shape %dx%dx%dx%d", len(pix), n, h, w, c)
	}
	return &InMemory{pix, n, h, w, c}, nil
}

// Len returns the number of images.
func (m *InMemory) Len() int { return m.n }

// Shape returns the shape of every image.
func (m *InMemory) Shape() (h, w, c int) { return m.h, m.w, m.c }

// At copies image i to dst; see Items.
func (m *InMemory) At(i int, dst []uint8) error {
	if err := checkAt(m, i, dst); err != nil {
		return err
	}
	copy(dst, m.Slice(i))
	return nil
}

// Slice returns the H·W·C pixels of image i, in place: not to be written to. Unlike
// At it panics, as a slice does, if i is outside [0, N).
func (m *InMemory) Slice(i int) []uint8 {
	size := m.h * m.w * m.c
	return m.pix[i*size : (i+1)*size : (i+1)*size]
}

// Pixels returns all the pixels, (N, H, W, C), in place: not to be written to.
func (m *InMemory) Pixels() []uint8 { return m.pix }

// Select returns a copy of the images whose indices are given, in that order. It
// fails if an index is outside [0, N).
func (m *InMemory) Select(index []int) (*InMemory, error) {
	pix := make([]uint8, 0, len(index)*m.h*m.w*m.c)
	for _, i := range index {
		if i < 0 || i >= m.n {
			return nil, fmt.Errorf("data: image %d of %d", i, m.n)
		}
		pix = append(pix, m.Slice(i)...)
	}
	return &InMemory{pix, len(index), m.h, m.w, m.c}, nil
}

// checkAt returns the part of Items.At that every implementation shares.
func checkAt(im Items, i int, dst []uint8) error {
	if n := im.Len(); i < 0 || i >= n {
		return fmt.Errorf("data: image %d of %d", i, n)
	}
	if h, w, c := im.Shape(); len(dst) < h*w*c {
		return fmt.Errorf("data: %d bytes of room for an image of %dx%dx%d", len(dst), h, w, c)
	}
	return nil
}
