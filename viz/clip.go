package viz

import (
	"fmt"
	"html/template"
	"image"
	"strings"

	"github.com/imago-ml/imago/data/medium"
)

// A Clip is an item that can be heard, as it stands in a report: its tile with its scales,
// above the controls of the browser, which a keyboard moves too. Make one with NewClip.
type Clip struct {
	Title   string
	Picture template.HTML // an SVG
	Src     template.URL  // of the file that is played
	Bytes   int           // size of that file
}

// The size of the picture of a clip in units, and the room of its scales.
const (
	clipWidth  = 250.0
	clipHeight = 150.0
	clipLeft   = 42.0
	clipBottom = 34.0
)

// NewClip returns the clip of one item of a medium that can be heard, values (Shape). The
// title says what it is, in the report and for screen readers.
func NewClip(item medium.Item, values []float32, title string) (Clip, error) {
	audible, ok := item.Medium.(medium.Audible)
	if !ok {
		return Clip{}, fmt.Errorf("viz: clip %q: items of %v cannot be heard", title, item)
	}
	if strings.TrimSpace(title) == "" {
		return Clip{}, fmt.Errorf("viz: clip: it has no title")
	}
	file, kind, err := audible.Play(item, values)
	if err != nil {
		return Clip{}, fmt.Errorf("viz: clip %q: %w", title, err)
	}
	pix, h, w, c, err := medium.Draw(item, values)
	if err != nil {
		return Clip{}, fmt.Errorf("viz: clip %q: %w", title, err)
	}
	tile := image.NewRGBA(image.Rect(0, 0, w, h))
	blit(tile, 0, 0, 1, tiles{pix: pix, n: 1, h: h, w: w, c: c}, 0)
	png, err := PNG(tile)
	if err != nil {
		return Clip{}, err
	}
	return Clip{title, clipPicture(item, dataURL("image/png", png), title), dataURL(kind, file), len(file)}, nil
}

// clipPicture returns the SVG of a tile with its scales.
func clipPicture(item medium.Item, tile template.URL, title string) template.HTML {
	var b strings.Builder
	escape := template.HTMLEscapeString
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="picture of %s">`, clipLeft+clipWidth+14, 8+clipHeight+clipBottom, escape(title))
	fmt.Fprintf(&b, `<image href="%s" x="%g" y="8" width="%g" height="%g" preserveAspectRatio="none"/>`, tile, clipLeft, clipWidth, clipHeight)
	if ruled, ok := item.Medium.(medium.Ruled); ok {
		along, up := ruled.Scales(item)
		for _, m := range along.Marks {
			fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, clipLeft+m.At*clipWidth, 8+clipHeight+15, escape(m.Text))
		}
		for _, m := range up.Marks {
			fmt.Fprintf(&b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`, clipLeft-5, 12+m.At*clipHeight, escape(m.Text))
		}
		fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`, clipLeft+clipWidth/2, 8+clipHeight+29, escape(along.Unit))
		fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="end">%s</text>`, clipLeft-5, 8+clipHeight+15, escape(up.Unit))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
