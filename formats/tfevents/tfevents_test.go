package tfevents

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// at stops the clock at 1700000000.25 s.
func at(t *testing.T) {
	now = func() time.Time { return time.Unix(1_700_000_000, 250_000_000) }
	t.Cleanup(func() { now = time.Now })
}

func TestMaskedCRC(t *testing.T) {
	// CRC-32C of 32 zero bytes is 0x8a9136aa (RFC 3720, B.4); rotated right by 15 and shifted by the constant.
	c := uint32(0x8a9136aa)
	want := (c>>15 | c<<17) + 0xa282ead8
	if got := maskedCRC(make([]byte, 32)); got != want {
		t.Errorf("got %#08x, want %#08x", got, want)
	}
	// Every event file in the world starts so: the first record has 24 bytes, and the CRC of that length is this.
	if got := maskedCRC([]byte{24, 0, 0, 0, 0, 0, 0, 0}); got != 0x224b7fa3 {
		t.Errorf("got %#08x, want 0x224b7fa3", got)
	}
}

func TestBytes(t *testing.T) {
	at(t)
	w := open(t, t.TempDir())
	if err := w.Scalar(300, "a", 1.5); err != nil {
		t.Fatal(err)
	}
	closed(t, w)
	b, err := os.ReadFile(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	// 1700000000.25 is 0x41d954fc40100000.
	event1 := "09" + "000010 40fc54d941" + "1a 0d" + hex.EncodeToString([]byte("brain.Event:2"))
	event2 := "09" + "000010 40fc54d941" + "10 ac02" + "2a 0a" + "0a 08" + "0a 01 61" + "15 0000c03f"
	want := ""
	for _, e := range []string{event1, event2} {
		data := unhex(t, e)
		n := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
		want += hex.EncodeToString(n) + crcHex(n) + hex.EncodeToString(data) + crcHex(data)
	}
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("file\n%s\nwant\n%s", got, want)
	}
	if !bytes.HasPrefix(b, []byte("\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK\"\t")) {
		t.Errorf("the file starts %q, not as TensorFlow's do", b[:13])
	}
}

func crcHex(b []byte) string {
	return hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, maskedCRC(b)))
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	at(t)
	dir := filepath.Join(t.TempDir(), "run", "logs")
	w := open(t, dir)
	png := bytes.Repeat([]byte("\x89PNG"), 5000) // longer than the buffer
	for _, err := range []error{
		w.Restart(7),
		w.Scalar(7, "loss/test", -0.5),
		w.Scalar(1<<40, "loss/train", math.Inf(1)),
		w.Image(8, "manifold", 280, 28, 3, png),
		w.Flush(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	events, err := read(w.Name()) // before Close: Flush is enough
	if err != nil {
		t.Fatal(err)
	}
	want := []event{
		{version: "brain.Event:2"},
		{step: 7, restart: true},
		{step: 7, tag: "loss/test", value: -0.5},
		{step: 1 << 40, tag: "loss/train", value: float32(math.Inf(1))},
		{step: 8, tag: "manifold", dims: [3]uint64{280, 28, 3}, png: string(png)},
	}
	for i := range want {
		want[i].wall = 1_700_000_000.25
	}
	if !slices.Equal(events, want) {
		t.Errorf("read %+v\nwant %+v", events, want)
	}
	closed(t, w)

	// Cut off anywhere, what is before the cut is read.
	b, err := os.ReadFile(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	if err := os.WriteFile(cut, b[:len(b)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := read(cut); !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(got, want[:4]) {
		t.Errorf("cut off: %d events, %v; want 4", len(got), err)
	}
	// And a damaged byte is seen.
	b[len(b)-100] ^= 1
	if err := os.WriteFile(cut, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := read(cut); err == nil || !strings.Contains(err.Error(), "CRC of the data") {
		t.Errorf("damaged: %v", err)
	}
}

// TestNames checks that files of one second and of later ones have different names, in
// the order of their creation.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for _, sec := range []int64{999_999_999, 999_999_999, 1_700_000_000} {
		now = func() time.Time { return time.Unix(sec, 0) }
		w := open(t, dir)
		closed(t, w)
		names = append(names, filepath.Base(w.Name()))
	}
	now = time.Now
	want := []string{
		"events.out.tfevents.0999999999.imago.0.v2",
		"events.out.tfevents.0999999999.imago.1.v2",
		"events.out.tfevents.1700000000.imago.0.v2",
	}
	if !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

func TestErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(file, ""); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a folder that is a file: %v", err)
	}
	w := open(t, t.TempDir())
	if err := w.Image(1, "x", 0, 5, 3, []byte("p")); err == nil ||
		err.Error() != `tfevents: image "x": 0x5 of 3 channels in 1 bytes; want sizes of at least 1, 1 to 4 channels, and a picture` {
		t.Errorf("an image without rows: %v", err)
	}
	w.f.Close()
	if err := w.Scalar(1, "x", 1); err != nil {
		t.Errorf("a scalar that only fills the buffer: %v", err)
	}
	err := w.Flush()
	if !errors.Is(err, fs.ErrClosed) || !strings.Contains(err.Error(), w.Name()) {
		t.Errorf("flush: %v, want one that names the file", err)
	}
	if again := w.Scalar(2, "x", 1); again != err {
		t.Errorf("after an error: %v, want the same", again)
	}
}

func open(t *testing.T, dir string) *Writer {
	t.Helper()
	w, err := New(dir, ".v2")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func closed(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// event is what read finds in a record.
type event struct {
	wall    float64
	step    int64
	version string
	restart bool
	tag     string
	value   float32
	dims    [3]uint64
	png     string
}

// read parses a file independently: it checks both CRCs and reads the messages by field
// number. With an error it returns the events before it.
func read(name string) ([]event, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var events []event
	for len(b) > 0 {
		if len(b) < 12 {
			return events, io.ErrUnexpectedEOF
		}
		n := binary.LittleEndian.Uint64(b)
		if binary.LittleEndian.Uint32(b[8:]) != maskedCRC(b[:8]) {
			return events, errors.New("CRC of the length")
		}
		if uint64(len(b)) < n+16 {
			return events, io.ErrUnexpectedEOF
		}
		data := b[12 : 12+n]
		if binary.LittleEndian.Uint32(b[12+n:]) != maskedCRC(data) {
			return events, errors.New("CRC of the data")
		}
		var e event
		if err := e.parse("event", data); err != nil {
			return events, err
		}
		events = append(events, e)
		b = b[n+16:]
	}
	return events, nil
}

func (e *event) parse(message string, b []byte) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		v := b[:n]
		b = b[n:]
		varint, _ := protowire.ConsumeVarint(v)
		var sub []byte
		if typ == protowire.BytesType {
			sub, _ = protowire.ConsumeBytes(v)
		}
		var err error
		switch field := fmt.Sprintf("%s.%d:%d", message, num, typ); field {
		case "event.1:1":
			e.wall = math.Float64frombits(binary.LittleEndian.Uint64(v))
		case "event.2:0":
			e.step = int64(varint)
		case "event.3:2":
			e.version = string(sub)
		case "event.5:2":
			err = e.parse("summary", sub)
		case "event.7:2":
			err = e.parse("session", sub)
		case "session.1:0":
			e.restart = varint == 1
		case "summary.1:2":
			err = e.parse("value", sub)
		case "value.1:2":
			e.tag = string(sub)
		case "value.2:5":
			e.value = math.Float32frombits(binary.LittleEndian.Uint32(v))
		case "value.4:2":
			err = e.parse("image", sub)
		case "image.1:0", "image.2:0", "image.3:0":
			e.dims[num-1] = varint
		case "image.4:2":
			e.png = string(sub)
		default:
			err = fmt.Errorf("a field that TensorBoard does not have: %s", field)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A reader refuses a message whose text is no UTF-8, so a tag with other bytes is mended.
func TestTagOfOtherBytes(t *testing.T) {
	at(t)
	w := open(t, t.TempDir())
	if err := w.Scalar(1, "a\xff/é", 2); err != nil {
		t.Fatal(err)
	}
	closed(t, w)
	b, err := os.ReadFile(w.Name())
	if err != nil || !bytes.Contains(b, []byte("a\uFFFD/é")) || bytes.Contains(b, []byte("a\xff")) {
		t.Errorf("%q, %v: want the tag in UTF-8", b, err)
	}
}
