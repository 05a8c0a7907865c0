// Package zipfile opens zip archives of strangers.
//
// The standard library makes an entry in memory for each file of an archive, about seven bytes for one byte of the
// directory, before its caller can see how many there are. Open asks first whether there is room. It promises no more than
// that: names, sizes and checksums are as the archive has them, and who reads a file bounds what it unpacks to. It must
// not know what is in an archive.
package zipfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
)

// perByte is about how many bytes of memory the entries of an archive take for a byte of its directory: with a name of
// one letter an entry has 47 bytes there, and 300 in memory.
const perByte = 7

// Open reads the directory of an archive of size bytes. It returns the error of check, which is memory.Check, if the entries
// have no room, and an error of archive/zip if the archive is damaged.
func Open(r io.ReaderAt, size int64, check func(n int64, format string, args ...any) error) (*zip.Reader, error) {
	n := directory(r, size)
	if err := check(n*perByte, "the directory of a zip file, of %d bytes,", n); err != nil {
		return nil, err
	}
	return zip.NewReader(r, size)
}

// The parts of an archive that say where its directory is (APPNOTE.TXT of PKWARE, 4.3.14 to 4.3.16).
const (
	endBytes     = 22      // of the end of the directory, without the comment
	mostComment  = 1 << 16 // bytes
	locatorBytes = 20      // before the end, in an archive of more than 4 GB or 65,535 files
	longEndBytes = 56
)

// directory returns the bytes of the directory of an archive, as far as can be told: 0 if there is none, at most size.
func directory(r io.ReaderAt, size int64) int64 {
	tail := make([]byte, min(size, endBytes+mostComment))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return 0
	}
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || len(tail)-at < endBytes {
		return 0
	}
	n := int64(binary.LittleEndian.Uint32(tail[at+12:]))
	if at >= locatorBytes && bytes.HasPrefix(tail[at-locatorBytes:], []byte("PK\x06\x07")) {
		long := make([]byte, longEndBytes)
		if _, err := r.ReadAt(long, int64(binary.LittleEndian.Uint64(tail[at-locatorBytes+8:])&(1<<62-1))); err == nil && bytes.HasPrefix(long, []byte("PK\x06\x06")) {
			n = int64(binary.LittleEndian.Uint64(long[40:]) & (1<<62 - 1))
		}
	}
	return min(n, size)
}
