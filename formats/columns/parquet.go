package columns

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Parquet writes the table as a Parquet file, the simplest that the format allows
// (https://parquet.apache.org/docs/file-format):
//
//	PAR1                       4 bytes
//	of each column its pages:
//	    PageHeader             Thrift's compact protocol
//	    levels                 of a column with Missing: their size as uint32, then one bit a row, 1 = it has a value
//	    values                 int32 or float32, little-endian; texts, each after its length as uint32; one bit a truth
//	                           value (encoding PLAIN, no compression)
//	FileMetaData               Thrift's compact protocol
//	its size                   uint32, little-endian
//	PAR1                       4 bytes
//
// There is one group of rows. A column with Missing is OPTIONAL, others are REQUIRED.
// Texts are marked as UTF-8.
func Parquet(w io.Writer, n int, table []Column) error {
	for _, c := range table {
		if c.Name == "" {
			return fmt.Errorf("columns: a column of a Parquet file without a name")
		}
	}
	f := file{w: w}
	f.write([]byte(magic))
	chunks := make([]chunk, len(table))
	for j, c := range table {
		chunks[j] = chunk{name: c.Name, kind: kindOf(&c), optional: c.Missing != nil, at: f.at}
		for first := 0; first < n; first += pageRows {
			rows := min(pageRows, n-first)
			page := pageOf(&c, first, rows)
			var head thrift
			head.i32(1, dataPage)
			head.i32(2, len(page)) // uncompressed
			head.i32(3, len(page)) // compressed
			head.open(5)           // DataPageHeader
			head.i32(1, rows)
			head.i32(2, plain)
			head.i32(3, rle) // of definition levels
			head.i32(4, rle) // of repetition levels, of which there are none
			head.end()
			head.end()
			f.write(head.b)
			f.write(page)
		}
		chunks[j].size = f.at - chunks[j].at
	}
	meta := metaData(n, chunks)
	f.write(meta)
	f.write(binary.LittleEndian.AppendUint32(nil, uint32(len(meta))))
	f.write([]byte(magic))
	return f.err
}

const (
	magic    = "PAR1"
	pageRows = 1 << 16

	dataPage, plain, rle, uncompressed, required, optional, utf8 = 0, 0, 3, 0, 0, 1, 0 // of parquet.thrift

	kindBoolean, kindInt32, kindFloat, kindByteArray = 0, 1, 4, 6
)

func kindOf(c *Column) int {
	switch {
	case c.Int != nil:
		return kindInt32
	case c.Float != nil:
		return kindFloat
	case c.Text != nil:
		return kindByteArray
	}
	return kindBoolean
}

// pageOf returns the levels and values of rows first … first+rows−1.
func pageOf(c *Column, first, rows int) []byte {
	var b []byte
	have := make([]int, 0, rows)
	for i := first; i < first+rows; i++ {
		if !c.missing(i) {
			have = append(have, i)
		}
	}
	if c.Missing != nil {
		// One bit-packed run: its header is the number of groups of eight, times 2, plus 1.
		levels := binary.AppendUvarint(nil, uint64((rows+7)/8)<<1|1)
		levels = append(levels, packBits(rows, func(k int) bool { return !c.missing(first + k) })...)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(levels))), levels...)
	}
	if kindOf(c) == kindBoolean {
		return append(b, packBits(len(have), func(k int) bool { return c.Bool(have[k]) })...)
	}
	for _, i := range have {
		switch kindOf(c) {
		case kindInt32:
			b = binary.LittleEndian.AppendUint32(b, uint32(c.Int(i)))
		case kindFloat:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Float(i)))
		case kindByteArray:
			s := c.Text(i)
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
		}
	}
	return b
}

// packBits returns n bits, eight a byte, from the lowest.
func packBits(n int, bit func(k int) bool) []byte {
	b := make([]byte, (n+7)/8)
	for k := range n {
		if bit(k) {
			b[k/8] |= 1 << (k % 8)
		}
	}
	return b
}

// A file counts the bytes written to it and keeps the first error.
type file struct {
	w   io.Writer
	at  int64
	err error
}

func (f *file) write(b []byte) {
	if f.err == nil {
		_, f.err = f.w.Write(b)
		f.at += int64(len(b))
	}
}

// A chunk is the pages of a column.
type chunk struct {
	name     string
	kind     int
	optional bool
	at, size int64 // bytes
}

func metaData(n int, chunks []chunk) []byte {
	var t thrift
	t.i32(1, 1) // version
	t.list(2, len(chunks)+1, typeStruct)
	t.begin() // SchemaElement of the whole
	t.text(4, "schema")
	t.i32(5, len(chunks)) // children
	t.end()
	total := int64(0)
	for _, c := range chunks {
		total += c.size
		t.begin()
		t.i32(1, c.kind)
		if c.optional {
			t.i32(3, optional)
		} else {
			t.i32(3, required)
		}
		t.text(4, c.name)
		if c.kind == kindByteArray {
			t.i32(6, utf8)
		}
		t.end()
	}
	t.i64(3, int64(n))
	t.list(4, 1, typeStruct)
	t.begin() // RowGroup
	t.list(1, len(chunks), typeStruct)
	for _, c := range chunks {
		t.begin() // ColumnChunk
		t.i64(2, c.at)
		t.open(3) // ColumnMetaData
		t.i32(1, c.kind)
		t.list(2, 1, typeI32)
		t.zigzag(plain)
		t.list(3, 1, typeBinary)
		t.bytes(c.name)
		t.i32(4, uncompressed)
		t.i64(5, int64(n))
		t.i64(6, c.size) // uncompressed, headers included
		t.i64(7, c.size) // compressed
		t.i64(9, c.at)   // of the first page
		t.end()
		t.end()
	}
	t.i64(2, total)
	t.i64(3, int64(n))
	t.end()
	t.text(6, "imago")
	t.end()
	return t.b
}

// A thrift is an open struct in Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
type thrift struct {
	b      []byte
	last   int   // field of the struct that is open
	before []int // last of those around it
}

const (
	typeI32    = 5
	typeI64    = 6
	typeBinary = 8
	typeList   = 9
	typeStruct = 12
)

// field writes the header of a field; fields come in rising order, less than 16 apart.
func (t *thrift) field(id, kind int) {
	t.b = append(t.b, byte((id-t.last)<<4|kind))
	t.last = id
}

func (t *thrift) zigzag(v int64) { t.b = binary.AppendVarint(t.b, v) }

func (t *thrift) i32(id, v int) {
	t.field(id, typeI32)
	t.zigzag(int64(v))
}

func (t *thrift) i64(id int, v int64) {
	t.field(id, typeI64)
	t.zigzag(v)
}

func (t *thrift) text(id int, s string) {
	t.field(id, typeBinary)
	t.bytes(s)
}

func (t *thrift) bytes(s string) {
	t.b = append(binary.AppendUvarint(t.b, uint64(len(s))), s...)
}

// list writes the header of a list; its n elements follow.
func (t *thrift) list(id, n, kind int) {
	t.field(id, typeList)
	if n < 15 {
		t.b = append(t.b, byte(n<<4|kind))
	} else {
		t.b = binary.AppendUvarint(append(t.b, byte(0xf0|kind)), uint64(n))
	}
}

// open begins a struct that is the field id, begin one that is an element of a list;
// end ends either.
func (t *thrift) open(id int) {
	t.field(id, typeStruct)
	t.begin()
}

func (t *thrift) begin() { t.before, t.last = append(t.before, t.last), 0 }

func (t *thrift) end() {
	t.b = append(t.b, 0)
	if n := len(t.before); n > 0 {
		t.before, t.last = t.before[:n-1], t.before[n-1]
	}
}
