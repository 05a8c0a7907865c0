package imageio

import (
	"bytes"
	"fmt"
)

// magics are the first bytes of image files, and of files that people mistake for them.
var magics = []struct{ magic, what string }{
	{"\x89PNG\r\n\x1a\n", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"GIF8", "a GIF image"},
	{"BM", "a BMP image"},
	{"II*\x00", "a TIFF image"},
	{"MM\x00*", "a TIFF image"},
	{"II+\x00", "a BigTIFF image"},
	{"MM\x00+", "a BigTIFF image"},
	{"%PDF-", "a PDF file"},
	{"8BPS", "a Photoshop file"},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"},
	{"\xff\x0a", "a JPEG XL image"},
	{"\x00\x00\x00\x0cJXL ", "a JPEG XL image"},
	{"<svg", "an SVG drawing"},
	{"\x1f\x8b", "a gzip file"},
	{"PK\x03\x04", "a zip file"},
	{"\x93NUMPY", "a NumPy array"},
	{"version https://git-lfs", "a Git LFS pointer, not the file itself"},
}

// Describe returns a short description of a file from its first bytes (512 are enough),
// for error messages: "an HTML page", "a GIF image", "text", "an empty file".
func Describe(head []byte) string {
	if len(head) == 0 {
		return "an empty file"
	}
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.what
		}
	}
	if isWebP(head) {
		return "a WebP image"
	}
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		switch string(head[8:12]) {
		case "avif", "avis":
			return "an AVIF image"
		case "heic", "heix", "heim", "heis", "hevc", "mif1", "msf1":
			return "an HEIC image"
		}
		return "a video file"
	}
	if IsHTML(head) {
		return "an HTML page"
	}
	if !bytes.ContainsFunc(head, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0xfffd }) {
		return "text"
	}
	return fmt.Sprintf("unknown bytes % x", head[:min(len(head), 8)])
}

// IsHTML reports whether the first bytes are those of a web page, such as a server's
// error page sent in place of a file.
func IsHTML(head []byte) bool {
	head = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, tag := range []string{"<!doctype", "<html", "<head", "<body", "<?xml", "<!--"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return true
		}
	}
	return false
}
