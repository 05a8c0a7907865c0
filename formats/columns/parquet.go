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
//	    values                 int32 or float32, little-endian (encoding PLAIN, no compression)
//	FileMetaData               Thrift's compact protocol
//	its size                   uint32, little-endian
//	PAR1                       4 bytes
//
// There is one group of rows. No value is missing (REQUIRED), so pages have no levels.
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
		chunks[j] = chunk{name: c.Name, kind: kindOf(c), at: f.at}
		for first := 0; first < n; first += pageRows {
			rows := min(pageRows, n-first)
			var head thrift
			head.i32(1, dataPage)
			head.i32(2, 4*rows) // uncompressed
			head.i32(3, 4*rows) // compressed
			head.open(5)        // DataPageHeader
			head.i32(1, rows)
			head.i32(2, plain)
			head.i32(3, rle) // of definition levels, of which there are none
			head.i32(4, rle) // of repetition levels
			head.end()
			head.end()
			f.write(head.b)
			f.write(values(c, first, rows))
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

	dataPage, plain, rle, uncompressed, required = 0, 0, 3, 0, 0 // of parquet.thrift
	kindInt32, kindFloat                         = 1, 4
)

func kindOf(c Column) int {
	if c.Int != nil {
		return kindInt32
	}
	return kindFloat
}

func values(c Column, first, rows int) []byte {
	b := make([]byte, 0, 4*rows)
	for i := first; i < first+rows; i++ {
		if c.Int != nil {
			b = binary.LittleEndian.AppendUint32(b, uint32(c.Int(i)))
		} else {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Float(i)))
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
		t.i32(3, required)
		t.text(4, c.name)
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
