package viz

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strings"
)

// A KV is a name and its value, written for the reader of a report.
type KV struct{ Key, Value string }

// A Picture is one image of a report with its words.
type Picture struct {
	Title   string
	Caption string // below it: what it shows
	Alt     string // alternative text for screen readers; required
	Data    []byte // a PNG, GIF, JPEG or SVG file
	Wide    bool   // takes the whole width; else two are placed side by side where they fit
}

// A Section is a chapter of a report.
type Section struct {
	Title    string
	Text     string // paragraphs, an empty line between them
	Pictures []Picture
}

// A Table is rows of numbers, formatted as text.
type Table struct {
	Title   string
	Columns []string
	Rows    [][]string // each as long as Columns
}

// A Report is a page about one run.
type Report struct {
	Title    string
	Subtitle string
	Figures  []KV // the few numbers that matter most, shown large
	Sections []Section
	Epochs   Table    // no columns = none
	Facts    []KV     // the configuration
	Next     []string // commands to try
	Footer   string   // "" = none
}

//go:embed report.html
var reportHTML string

//go:embed report.css
var reportCSS string

var reportPage = template.Must(template.New("report").Parse(reportHTML))

// A reportFigure is a picture prepared for the page.
type reportFigure struct {
	Picture
	Src  template.URL
	W, H int // as shown, in CSS pixels; 0 = not known
}

// paragraphs splits text at empty lines.
func paragraphs(text string) []string {
	var ps []string
	for _, p := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			ps = append(ps, p)
		}
	}
	return ps
}

// WriteReport writes the report as one HTML page that loads nothing: pictures are data:
// addresses, the style is inline, and a small script enlarges a picture when it is
// clicked. The page follows the reader's light or dark preference, suits narrow screens
// and paper, and every picture has an alternative text.
func WriteReport(w io.Writer, r Report) error {
	type section struct {
		ID         string
		Title      string
		Paragraphs []string
		Figures    []reportFigure
	}
	page := struct {
		Report
		CSS template.CSS
		Toc []section
	}{Report: r, CSS: template.CSS(reportCSS)}
	if r.Title == "" {
		return fmt.Errorf("viz: report: it has no title")
	}
	for i, row := range r.Epochs.Rows {
		if len(row) != len(r.Epochs.Columns) {
			return fmt.Errorf("viz: report: row %d of the table has %d cells, want %d", i, len(row), len(r.Epochs.Columns))
		}
	}
	for i, s := range r.Sections {
		out := section{ID: fmt.Sprintf("s%d", i+1), Title: s.Title, Paragraphs: paragraphs(s.Text)}
		for _, p := range s.Pictures {
			f, err := newFigure(p)
			if err != nil {
				return fmt.Errorf("viz: report: section %q: picture %q: %w", s.Title, p.Title, err)
			}
			out.Figures = append(out.Figures, f)
		}
		page.Toc = append(page.Toc, out)
	}
	if err := reportPage.Execute(w, page); err != nil {
		return fmt.Errorf("viz: report: %w", err)
	}
	return nil
}

// pictureSize returns the size of a picture, by content type.
var pictureSize = map[string]func(io.Reader) (image.Config, error){
	"image/png":  png.DecodeConfig,
	"image/gif":  gif.DecodeConfig,
	"image/jpeg": jpeg.DecodeConfig,
}

func newFigure(p Picture) (reportFigure, error) {
	f := reportFigure{Picture: p}
	if strings.TrimSpace(p.Alt) == "" {
		return f, fmt.Errorf("it has no alternative text")
	}
	kind := http.DetectContentType(p.Data)
	if size := pictureSize[kind]; size != nil {
		c, err := size(bytes.NewReader(p.Data))
		if err != nil {
			return f, err
		}
		f.W, f.H = c.Width, c.Height
		if kind == "image/png" { // drawn at Density pixels a unit
			f.W, f.H = (c.Width+Density-1)/Density, (c.Height+Density-1)/Density
		}
	} else if bytes.Contains(p.Data[:min(len(p.Data), 512)], []byte("<svg")) {
		kind = "image/svg+xml"
	} else {
		return f, fmt.Errorf("its %d bytes are %s, want a PNG, GIF, JPEG or SVG file", len(p.Data), kind)
	}
	f.Src = template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(p.Data))
	return f, nil
}
