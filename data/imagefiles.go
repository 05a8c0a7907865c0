package data

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/imageio"
)

// An ImageFile is a file of one image, in a folder or a zip.
type ImageFile struct {
	Name  string // path below the folder or in the zip, with slashes
	Size  int64  // bytes
	Stamp int64  // changes with the content: the time of the last write; in a zip the CRC-32
	open  func() (io.ReadCloser, error)
}

// maxImageFile bounds the bytes of one image file.
const maxImageFile = imageio.DefaultMaxBytes

// named returns the error with the name of the file before it and the remedy after it.
func (f ImageFile) named(err error) error {
	return fmt.Errorf("%s: %w%s", f.Name, err, remedy)
}

// remedy ends the error of an ImageFile.
const remedy = "; put a good image in its place or delete it"

// Info returns the format and size of the image from its header. The error names the
// file.
func (f ImageFile) Info() (imageio.Info, error) {
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

// extensions are those of the files that are taken for images; what they are is
// recognised by their content.
var extensions = []string{".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}

// isImage reports whether the name has the extension of an image that is read.
func isImage(name string) bool {
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
