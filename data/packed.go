package data

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
)

// Packed is Items in one file of the cache, already cropped, resized and, if so
// chosen, grey. The file is mapped into memory if the system can do that: its pixels
// are then in the page cache, shared by all processes, and not in Go's heap.
//
// The file is named after its key, in hex, with the suffix ".pixels". Numbers are
// little-endian:
//
//	0     8     "imagopix"
//	8     4     version of the format, 1
//	12    4     C, channels
//	16    8     N, images
//	24    4     H, rows
//	28    4     W, columns
//	32    32    key: the SHA-256 of everything that the pixels depend on
//	64    4     l, bytes of the text that names the origin of the images, with notes
//	68    4     CRC-32C of bytes 0 to 67, the text and the table
//	72    l     the text
//	72+l  36·N  the table: for each image the SHA-256 of its file and the CRC-32C of its
//	            pixels
//	p     …     pixels, (N, H, W, C), from the next multiple of 4096 to the end
//
// The header, text and table are checked when the file is opened, and the pixels of an
// image each time it is read: checking all pixels of a large set at the start would
// take longer than training on the first of them.
type Packed struct {
	head
	name   string
	mapped []byte   // the file; nil = it is read
	file   *os.File // nil if it is mapped
}

const (
	packMagic   = "imagopix"
	packVersion = 1
	packFixed   = 72 // bytes of the header before the text
	packRow     = 36 // bytes of the table for an image
	packAlign   = 4096
	packMaxText = 4096
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A head is the part of the file before the pixels.
type head struct {
	n, h, w, c int
	key        [32]byte
	from       string
	table      []byte // packRow bytes an image
}

func (p *head) size() int { return p.h * p.w * p.c }

// start returns the offset of the pixels.
func (p *head) start() int64 {
	end := int64(packFixed+len(p.from)) + packRow*int64(p.n)
	return (end + packAlign - 1) / packAlign * packAlign
}

// bytes returns the size of the file.
func (p *head) bytes() int64 { return p.start() + int64(p.n)*int64(p.size()) }

// row returns the row of the table for image i.
func (p *head) row(i int) []byte { return p.table[i*packRow:][:packRow] }

// encode returns the bytes of the file up to the end of the table.
func (p *head) encode() []byte {
	b := make([]byte, 0, packFixed+len(p.from)+len(p.table))
	b = append(b, packMagic...)
	b = binary.LittleEndian.AppendUint32(b, packVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(p.c))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.n))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.h))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.w))
	b = append(b, p.key[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.from)))
	b = append(b, 0, 0, 0, 0)
	b = append(b, p.from...)
	b = append(b, p.table...)
	binary.LittleEndian.PutUint32(b[packFixed-4:], headSum(b))
	return b
}

// headSum returns the CRC-32C of an encoded head without the four bytes of the CRC
// itself.
func headSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:packFixed-4], castagnoli), castagnoli, b[packFixed:])
}

// readPackHead reads the head of a file of size bytes. It allocates no more than the
// file can hold, whatever the header claims. If short is true, the table is neither
// read nor checked.
func readPackHead(f io.ReaderAt, size int64, short bool) (head, error) {
	var p head
	fixed := make([]byte, packFixed)
	if _, err := f.ReadAt(fixed, 0); err != nil {
		return p, fmt.Errorf("its header is cut short")
	}
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(fixed[at:])) }
	if string(fixed[:8]) != packMagic {
		return p, fmt.Errorf("it is not a file of packed images")
	}
	if v := u32(8); v != packVersion {
		return p, fmt.Errorf("it has version %d of the format, this imago reads %d", v, packVersion)
	}
	n, l := binary.LittleEndian.Uint64(fixed[16:]), u32(64)
	p.c, p.h, p.w = u32(12), u32(24), u32(28)
	copy(p.key[:], fixed[32:])
	const side = 1 << 24
	if n == 0 || n > uint64(size)/packRow || l > packMaxText || p.c < 1 || p.c > pixels.MaxChannels || p.h < 1 || p.w < 1 || p.h > side || p.w > side ||
		int64(p.size()) > size/int64(n) {
		return p, fmt.Errorf("it claims more than its %d bytes hold", size)
	}
	p.n = int(n)
	rest := make([]byte, l)
	if !short {
		rest = make([]byte, l+packRow*p.n)
	}
	if _, err := f.ReadAt(rest, packFixed); err != nil {
		return p, fmt.Errorf("its table is cut short")
	}
	p.from, p.table = string(rest[:l]), rest[l:]
	if want := p.bytes(); size != want {
		return p, fmt.Errorf("it has %d bytes, not the %d of %d images of %dx%dx%d", size, want, p.n, p.h, p.w, p.c)
	}
	if !short && headSum(append(fixed, rest...)) != binary.LittleEndian.Uint32(fixed[packFixed-4:]) {
		return p, fmt.Errorf("its header or table is damaged")
	}
	return p, nil
}

// openPacked opens the file of that name, which must have that key.
func openPacked(name string, key [32]byte) (*Packed, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	p, err := newPacked(f, key)
	if err != nil {
		f.Close()
		return nil, err
	}
	now := time.Now()
	os.Chtimes(name, now, now) // the file last used longest ago makes room first; if not, another does
	return p, nil
}

func newPacked(f *os.File, key [32]byte) (*Packed, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a file")
	}
	p := &Packed{name: f.Name(), file: f}
	if p.head, err = readPackHead(f, info.Size(), false); err != nil {
		return nil, err
	}
	if p.key != key {
		return nil, fmt.Errorf("it is of other images than its name says")
	}
	if m, err := mapFile(f, info.Size()); err == nil {
		p.mapped, p.file = m, nil
		f.Close()
		runtime.AddCleanup(p, unmapFile, m) // whoever reads keeps p alive while it does
	}
	return p, nil
}

// Len returns the number of images.
func (p *Packed) Len() int { return p.n }

// Item describes every image.
func (p *Packed) Item() medium.Item { return pixels.Item(p.h, p.w, p.c) }

// FileSum returns the SHA-256 of the file that image i was decoded from, as Packing.Decode
// returned it.
func (p *Packed) FileSum(i int) (sum [32]byte) {
	copy(sum[:], p.row(i))
	return sum
}

// At copies image i to dst, once it has passed its checksum; see Items.
func (p *Packed) At(i int, dst []uint8) error {
	if err := checkAt(p, i, dst); err != nil {
		return err
	}
	dst = dst[:p.size()]
	err := p.read(dst, p.start()+int64(i)*int64(p.size()))
	if err == nil && crc32.Checksum(dst, castagnoli) != binary.LittleEndian.Uint32(p.row(i)[32:]) {
		err = fmt.Errorf("image %d does not have its checksum", i)
	}
	if err != nil {
		return fmt.Errorf("data: %s: the cache is damaged: %w; delete that file, and it is made anew", p.name, err)
	}
	return nil
}

// read copies the bytes at that offset to dst. A file that another program truncates,
// or a disk that fails, gives an error and does not end the process.
func (p *Packed) read(dst []uint8, at int64) (err error) {
	if p.mapped == nil {
		_, err := p.file.ReadAt(dst, at)
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil { // a fault of memory: its text would speak of a nil pointer
			err = fmt.Errorf("it cannot be read: it was cut short while it was in use, or its disk fails")
		}
		runtime.KeepAlive(p)
	}()
	copy(dst, p.mapped[at:])
	return nil
}
