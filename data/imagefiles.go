package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/fault"
	"github.com/imago-ml/imago/internal/memory"
)

// An ImageFile is a file of one item, such as an image, in a folder or a zip.
type ImageFile struct {
	Name  string // path below the folder or in the zip, with slashes
	Size  int64  // bytes
	Stamp int64  // changes with the content: the time of the last write; in a zip the CRC-32
	open  func() (io.ReadCloser, error)
}

// maxImageFile bounds the bytes of one image file.
const maxImageFile = imageio.DefaultMaxBytes

// named returns the error with the name of the file before it and the remedy after it. An error of the machine has no
// remedy: the image may be good.
func (f ImageFile) named(err error) error {
	if OfMachine(err) {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return fmt.Errorf("%s: %w%s", f.Name, err, remedy)
}

// OfMachine reports whether an error says nothing of the file: the machine fails, or has too little memory.
func OfMachine(err error) bool {
	over := (*memory.Error)(nil)
	return fault.OfSystem(err) || errors.As(err, &over)
}

// remedy ends the error of an ImageFile.
const remedy = "; put a good image in its place or delete it"

// Open opens the file for reading.
func (f ImageFile) Open() (io.ReadCloser, error) { return f.open() }

// Info returns the format and size of the image from its header. The error names the
// file.
func (f ImageFile) Info() (imageio.Info, error) {
	release, err := memory.Take(copies*min(f.Size, maxImageFile), "an image file of %d bytes", f.Size)
	if err != nil {
		return imageio.Info{}, f.named(err)
	}
	defer release()
	r, err := f.open()
	if err != nil {
		return imageio.Info{}, f.named(err)
	}
	defer r.Close()
	info, err := imageio.DecodeInfo(r, imageio.Limits{})
	if err != nil {
		return info, f.named(err)
	}
	return info, nil
}

// Read returns the bytes of the file. It verifies the checksum of a file in a zip. The
// error names the file.
func (f ImageFile) Read() ([]byte, error) {
	r, err := f.open()
	if err != nil {
		return nil, f.named(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(r, maxImageFile+1)); err != nil {
		return nil, f.named(err)
	} else if n > maxImageFile {
		return nil, f.named(fmt.Errorf("%w: more than %d bytes", imageio.ErrTooLarge, maxImageFile))
	}
	return b.Bytes(), nil
}

// copies is how often the bytes of a file are in memory, at most, while it is decoded: the
// buffer that grows as they are read, and that of the decoder.
const copies = 6

// readToDecode does what Read does, when there is memory to decode the image too, which is
// that of the caller until it calls release: as many images are decoded at once as there
// is room for. A large file is not read before.
func (f ImageFile) readToDecode() (b []byte, release func(), err error) {
	var info imageio.Info
	if f.Size >= memory.Small {
		info, err = f.Info()
	} else if b, err = f.Read(); err == nil {
		if info, err = imageio.DecodeInfo(bytes.NewReader(b), imageio.Limits{}); err != nil {
			err = f.named(err)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	release, err = memory.Take(info.Memory()+copies*min(f.Size, maxImageFile), "decoding %s, of %d rows and %d columns,", f.Name, info.H, info.W)
	if err != nil {
		return nil, nil, err
	}
	if b == nil {
		if b, err = f.Read(); err != nil {
			release()
		}
	}
	return b, release, err
}

// extensions are those of the files that are taken for images; what they are is
// recognised by their content.
var extensions = []string{".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}

// IsImage reports whether the name has the extension of an image that is read.
func IsImage(name string) bool {
	return slices.Contains(extensions, strings.ToLower(path.Ext(name)))
}

// FirstFormats reports whether the name is that of a PNG or JPEG file, which all versions
// of imago read: earlier ones left the other formats out.
func FirstFormats(name string) bool {
	return slices.Contains(extensions[:5], strings.ToLower(path.Ext(name)))
}

// unread are the extensions of images that are not read.
var unread = []string{
	".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".svg", ".psd", ".ico", ".tga", ".exr", ".hdr", ".ppm", ".pgm", ".pbm", ".pnm",
	".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".xcf", ".eps", ".pdf", ".mp4", ".mov",
}
