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
type KV struct {
	Key, Value string
	Note       string // small, beside the value: its unit, what it is compared with; "" = none
}

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
	Text     string   // paragraphs, an empty line between them
	Warnings []string // what needs the reader's attention, one sentence or more each
	Charts   []Panel
	Pictures []Picture
	Clips    []Clip
	Tables   []Table
}

// A Table is rows of numbers or words.
type Table struct {
	Title   string
	Columns []string
	Rows    [][]string // each as long as Columns
	Words   bool       // cells are words: they are aligned to the left and may wrap
}

// A Report is a page about one run, or several.
type Report struct {
	Title    string
	Subtitle string
	Status   string   // how the run stands, in a sentence; "" = nothing to say
	Failed   bool     // Status is bad news
	Byline   []string // when, how long, on what: short pieces
	Figures  []KV     // the few numbers that matter most, shown large
	Sections []Section
	Epochs   Table // no columns = none
	Facts    []KV  // the configuration
	Commands []KV  // what a command does, and its line
	Terms    []KV  // words of the page and what they mean; a figure of the same name links to it
	Footer   string
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
	Dark template.URL // over it on a dark page; "" = the picture is dimmed
	W, H int          // as shown, in CSS pixels; 0 = not known
	Name string       // for screen readers, of the frame in which it can be moved
}

// A reportTerm is an entry of the list of words, with the name by which the page links to
// it; of a figure without an entry, the name is "".
type reportTerm struct {
	KV
	ID string
}

// A reportSection is a section prepared for the page.
type reportSection struct {
	ID         string
	Title      string
	Paragraphs []string
	Warnings   []string
	Charts     []chart
	Figures    []reportFigure
	Clips      []Clip
	Tables     []Table
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

// WriteReport writes the report as one HTML page that loads nothing: pictures and sounds are data:
// addresses, charts are part of the page, the style is inline, and a small script enlarges
// a picture when it is clicked. The page follows the reader's light or dark preference,
// suits narrow screens and paper, and every picture has an alternative text.
func WriteReport(w io.Writer, r Report) error {
	page := struct {
		Report
		CSS     template.CSS
		Headers []reportTerm // Figures, with their links
		Words   []reportTerm
		Toc     []reportSection
	}{Report: r, CSS: template.CSS(reportCSS)}
	if r.Title == "" {
		return fmt.Errorf("viz: report: it has no title")
	}
	if err := checkRows(r.Epochs); err != nil {
		return fmt.Errorf("viz: report: %w", err)
	}
	ids := map[string]string{}
	for i, t := range r.Terms {
		ids[t.Key] = fmt.Sprintf("word-%d", i+1)
		page.Words = append(page.Words, reportTerm{t, ids[t.Key]})
	}
	for _, f := range r.Figures {
		page.Headers = append(page.Headers, reportTerm{f, ids[f.Key]})
	}
	for i, s := range r.Sections {
		out, err := newSection(s, fmt.Sprintf("s%d", i+1))
		if err != nil {
			return fmt.Errorf("viz: report: section %q: %w", s.Title, err)
		}
		page.Toc = append(page.Toc, out)
	}
	if err := reportPage.Execute(w, page); err != nil {
		return fmt.Errorf("viz: report: %w", err)
	}
	return nil
}

// newSection prepares a section.
func newSection(s Section, id string) (reportSection, error) {
	out := reportSection{ID: id, Title: s.Title, Paragraphs: paragraphs(s.Text), Warnings: s.Warnings, Clips: s.Clips, Tables: s.Tables}
	for _, p := range s.Charts {
		c, err := newChart(p)
		if err != nil {
			return out, err
		}
		out.Charts = append(out.Charts, c)
	}
	for _, p := range s.Pictures {
		f, err := newFigure(p)
		if err != nil {
			return out, fmt.Errorf("picture %q: %w", p.Title, err)
		}
		out.Figures = append(out.Figures, f)
	}
	for _, t := range s.Tables {
		if err := checkRows(t); err != nil {
			return out, err
		}
	}
	return out, nil
}

func checkRows(t Table) error {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d of the table has %d cells, want %d", i, len(row), len(t.Columns))
		}
	}
	return nil
}

// pictureSize returns the size of a picture, by content type.
var pictureSize = map[string]func(io.Reader) (image.Config, error){
	"image/png":  png.DecodeConfig,
	"image/gif":  gif.DecodeConfig,
	"image/jpeg": jpeg.DecodeConfig,
}

// halfWidth is the width, in CSS pixels, up to which a picture has room beside another one
// without its words becoming too small to read.
const halfWidth = 640

func newFigure(p Picture) (reportFigure, error) {
	f := reportFigure{Picture: p, Name: orElse(p.Title, p.Alt)}
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
			over, err := overlay(p.Data)
			if err != nil {
				return f, err
			}
			if over != nil {
				f.Dark = dataURL(kind, over)
			}
		}
	} else if bytes.Contains(p.Data[:min(len(p.Data), 512)], []byte("<svg")) {
		kind = "image/svg+xml"
	} else {
		return f, fmt.Errorf("its %d bytes are %s, want a PNG, GIF, JPEG or SVG file", len(p.Data), kind)
	}
	f.Wide = f.Wide || f.W > halfWidth
	f.Src = dataURL(kind, p.Data)
	return f, nil
}

func dataURL(kind string, b []byte) template.URL {
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b))
}
