// Package tfevents writes TensorBoard event files: scalars, images and histograms over steps, and hyperparameters.
//
// A file is a sequence of TFRecords; every number is little-endian:
//
//	8  n, the length of the data
//	4  masked CRC of those 8 bytes
//	n  the data: one Event
//	4  masked CRC of the data
//
// where the masked CRC of b is rotr15(crc32c(b)) + 0xa282ead8, so that the CRC of data that holds CRCs is not weak. The
// fields of the protocol buffer Event that are written (tensorflow/core/util/event.proto, framework/summary.proto):
//
//	Event    1 wall_time double, 2 step int64, 3 file_version string, 5 summary, 7 session_log
//	Summary  1 repeated Value: 1 tag string, 2 simple_value float, 4 image
//	Image    1 height, 2 width, 3 colorspace (its channels), 4 the encoded picture
//
// TensorBoard reads the files of a folder as one run, in the order of their names, which begin with the time of their
// creation in seconds. A resumed run opens a new file; Restart marks the steps that the new file replaces. A truncated
// file is read up to its last complete record.
//
// New opens a Writer; Scalar and Image append, Flush makes the events visible. This package must not know what is
// measured.
package tfevents

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/imago-ml/imago/internal/disk"
)

// Field numbers, as in the package comment.
const (
	eventWallTime    = 1
	eventStep        = 2
	eventFileVersion = 3
	eventSummary     = 5
	eventSessionLog  = 7

	summaryValue = 1
	valueTag     = 1
	valueSimple  = 2
	valueImage   = 4

	imageHeight     = 1
	imageWidth      = 2
	imageColorspace = 3
	imageEncoded    = 4

	sessionStatus = 1
	sessionStart  = 1 // SessionLog.START, a value of that field
)

// now returns the wall time; tests replace it.
var now = time.Now

// A Writer appends events to one new file. After an error every call returns that
// error. It is not safe for concurrent use.
type Writer struct {
	name string
	f    disk.File
	w    *bufio.Writer
	err  error
}

// New creates an event file in the folder dir, which it creates if necessary. The name ends in
// suffix, which may be empty and which TensorBoard ignores. Existing files are not
// changed.
func New(dir, suffix string) (*Writer, error) { return NewIn(disk.At(dir), suffix) }

// NewIn does what New does, in a folder out of which no link leads.
func NewIn(dir disk.Folder, suffix string) (*Writer, error) {
	if err := dir.MkdirAll("."); err != nil {
		return nil, err
	}
	sec := now().Unix()
	for n := 0; ; n++ { // two in one second
		name := fmt.Sprintf("events.out.tfevents.%010d.imago.%d%s", sec, n, suffix)
		f, err := dir.Create(name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w := &Writer{name: dir.Path(name), f: f, w: bufio.NewWriter(f)}
		e := header(0)
		w.record(appendBytes(e, eventFileVersion, "brain.Event:2"))
		if err := w.Flush(); err != nil {
			f.Close()
			return nil, err
		}
		return w, nil
	}
}

// Name returns the path of the file.
func (w *Writer) Name() string { return w.name }

// Restart marks all events of this step and later ones in earlier files as void,
// because the following events replace them. Call it first in a resumed run.
func (w *Writer) Restart(step int64) error {
	var s []byte
	s = protowire.AppendTag(s, sessionStatus, protowire.VarintType)
	s = protowire.AppendVarint(s, sessionStart)
	e := header(step)
	return w.record(appendBytes(e, eventSessionLog, s))
}

// Scalar records the value of a tag at a step, as a float32. A slash in a tag groups the plots: "loss/test".
func (w *Writer) Scalar(step int64, tag string, value float64) error {
	var v []byte
	v = appendBytes(v, valueTag, tag)
	v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
	v = protowire.AppendFixed32(v, math.Float32bits(float32(value)))
	return w.summary(step, v)
}

// Image records a picture of a tag at a step: png is the encoded file, height and width
// its pixels, channels its 1 (grey), 3 or 4 channels.
func (w *Writer) Image(step int64, tag string, height, width, channels int, png []byte) error {
	if height < 1 || width < 1 || channels < 1 || channels > 4 || len(png) == 0 {
		return fmt.Errorf("tfevents: image %q: %dx%d of %d channels in %d bytes; want sizes of at least 1, 1 to 4 channels, and a picture",
			tag, height, width, channels, len(png))
	}
	var m []byte
	for _, f := range [...]struct {
		num protowire.Number
		v   int
	}{{imageHeight, height}, {imageWidth, width}, {imageColorspace, channels}} {
		m = protowire.AppendTag(m, f.num, protowire.VarintType)
		m = protowire.AppendVarint(m, uint64(f.v))
	}
	m = appendBytes(m, imageEncoded, png)
	var v []byte
	v = appendBytes(v, valueTag, tag)
	v = appendBytes(v, valueImage, m)
	return w.summary(step, v)
}

// appendBytes appends a field of text or bytes to a message. Readers refuse a message with text that is no UTF-8, so
// other bytes of a text become U+FFFD.
func appendBytes[T string | []byte](b []byte, field protowire.Number, v T) []byte {
	if s, text := any(v).(string); text {
		v = T(strings.ToValidUTF8(s, "\uFFFD"))
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, []byte(v))
}

// Flush writes all events to the file, so that TensorBoard can read them and they
// outlive this process.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

// Close flushes, syncs and closes the file.
func (w *Writer) Close() error {
	err := w.Flush()
	if err == nil {
		err = w.f.Sync()
	}
	return errors.Join(err, w.f.Close())
}

// header returns the wall time and step of an event; a step of 0 is the default and is
// not written.
func header(step int64) []byte {
	var e []byte
	e = protowire.AppendTag(e, eventWallTime, protowire.Fixed64Type)
	e = protowire.AppendFixed64(e, math.Float64bits(float64(now().UnixMicro())/1e6))
	if step != 0 {
		e = protowire.AppendTag(e, eventStep, protowire.VarintType)
		e = protowire.AppendVarint(e, uint64(step))
	}
	return e
}

func (w *Writer) summary(step int64, value []byte) error {
	var s []byte
	s = appendBytes(s, summaryValue, value)
	e := header(step)
	return w.record(appendBytes(e, eventSummary, s))
}

func (w *Writer) record(data []byte) error {
	if w.err != nil {
		return w.err
	}
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b))
	b = append(b, data...)
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(data))
	_, w.err = w.w.Write(b)
	return w.err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
