package digits

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/atomicfile"
)

// cacheName is the file that keeps the pixels: a gzipped IDX file of rank 3,
// 70000×28×28, training images first. Labels need no file.
var cacheName = fmt.Sprintf("digits-v%d-idx3-ubyte.gz", version)

// idxHeader returns the header of that file; package data/mnist describes the format.
func idxHeader() []byte {
	h := []byte{0, 0, 0x08, 3}
	for _, n := range []uint32{NTrain + NTest, Side, Side} {
		h = binary.BigEndian.AppendUint32(h, n)
	}
	return h
}

// readCache fills pix from the first valid cache file and reports whether there is one.
// The content of the set is known to the bit: a file whose pixels do not hash to Digest
// is ignored.
func readCache(opt data.Options, pix []uint8, sheets ...*sheet) bool {
	for _, dir := range data.Locate(Name, opt) {
		if readPixels(filepath.Join(dir, cacheName), pix) == nil && digest(pix, sheets...) == Digest {
			return true
		}
	}
	return false
}

// readPixels reads the file of that name, which must contain exactly pix.
func readPixels(name string, pix []uint8) error {
	if info, err := os.Stat(name); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file", name) // to open a pipe would wait for ever
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := decode(bufio.NewReaderSize(f, 1<<18), pix); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// decode reads the header and exactly pix, and ignores bytes after that. It allocates
// nothing that depends on the file.
func decode(r io.Reader, pix []uint8) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	want := idxHeader()
	head := make([]byte, len(want))
	if _, err := io.ReadFull(z, head); err != nil {
		return err
	}
	if !bytes.Equal(head, want) {
		return fmt.Errorf("header % x, want % x", head, want)
	}
	_, err = io.ReadFull(z, pix)
	return err
}

// writeCache writes pix to the file that readCache reads.
func writeCache(opt data.Options, pix []uint8) error {
	dir, err := data.DownloadDir(Name, opt)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, cacheName), func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if _, err := z.Write(idxHeader()); err != nil {
			return err
		}
		if _, err := z.Write(pix); err != nil {
			return err
		}
		return z.Close()
	})
}
