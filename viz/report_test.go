package viz

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

func testReport(t *testing.T) Report {
	t.Helper()
	p, err := PNG(image.NewGray(image.Rect(0, 0, 40, 20)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := GIF(greyFrames(2), AnimationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	svg, err := NetworkSVG(encoderLayers, "encoder")
	if err != nil {
		t.Fatal(err)
	}
	return Report{
		Title: "cnn-vae on <mnist> & more", Subtitle: "two latent units",
		Byline: []string{"30 November"}, Status: "It <failed>.", Failed: true,
		Figures: []KV{{"test loss", "151.9", "nats"}, {"time", "5 s", ""}},
		Sections: []Section{
			{Title: "Training", Text: "One.\n\nTwo <b>.", Warnings: []string{"Less <i> is more."},
				Charts:   []Panel{{CurveOptions{Title: "loss <&>", XLabel: "epoch", YLabel: "nats"}, []Series{{Name: "train <u>", Y: []float64{3, 2.5, 2.25}}, {Name: "test", Y: []float64{3, math.NaN(), 2.5}, Dashed: true}}}},
				Pictures: []Picture{{Title: "Curves", Alt: "falling", Data: p, Wide: true}, {Alt: "moving \"x\"", Data: g}}},
			{Title: "Model", Pictures: []Picture{{Title: "Encoder", Caption: "boxes", Alt: "a diagram", Data: svg}}, Tables: []Table{{Title: "Options", Words: true, Columns: []string{"option", "value"}, Rows: [][]string{{"--latent", "2"}}}}},
		},
		Epochs:   Table{Columns: []string{"epoch", "loss"}, Rows: [][]string{{"1", "195.9"}, {"2", "175.1"}}},
		Facts:    []KV{{"seed", "1", ""}},
		Commands: []KV{{"Generate", "imago sample run -n 64 > x && echo </script>", ""}},
		Terms:    []KV{{"test loss", "What is minimised.", "test_loss"}},
		Footer:   "alone",
	}
}

// parseReport walks the page as HTML written in XML's form and gives the
// attributes of each element and the text of the page.
func parseReport(t *testing.T, page []byte) (elems map[string][]map[string]string, text string) {
	t.Helper()
	elems = map[string][]map[string]string{}
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Entity = xml.HTMLEntity
	var words strings.Builder
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elems, words.String()
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			at := map[string]string{}
			for _, a := range tok.Attr {
				at[a.Name.Local] = a.Value
			}
			elems[tok.Name.Local] = append(elems[tok.Name.Local], at)
		case xml.CharData:
			words.Write(tok)
		}
	}
}

func TestReportStandsAlone(t *testing.T) {
	var b bytes.Buffer
	if err := WriteReport(&b, testReport(t)); err != nil {
		t.Fatal(err)
	}
	elems, text := parseReport(t, b.Bytes())
	if m := regexp.MustCompile(`(?i)https?://|src="//|url\(|@import`).Find(b.Bytes()); m != nil {
		t.Errorf("the page refers to something outside it: %q", m)
	}
	imgs := elems["img"]
	if len(imgs) != 3 {
		t.Fatalf("%d img, want 3", len(imgs))
	}
	for i, want := range []string{"data:image/png;base64,", "data:image/gif;base64,", "data:image/svg+xml;base64,"} {
		if !strings.HasPrefix(imgs[i]["src"], want) {
			t.Errorf("picture %d: src %.40q, want %s…", i, imgs[i]["src"], want)
		}
		if imgs[i]["alt"] == "" {
			t.Errorf("picture %d has no alt", i)
		}
	}
	if imgs[0]["width"] != "20" || imgs[0]["height"] != "10" || imgs[1]["width"] != "40" {
		t.Errorf("sizes %v×%v and %v, want the PNG at half its pixels: 20×10, the GIF at 40", imgs[0]["width"], imgs[0]["height"], imgs[1]["width"])
	}
	ids := map[string]bool{}
	for _, es := range elems {
		for _, e := range es {
			if id := e["id"]; id != "" {
				if ids[id] {
					t.Errorf("id %q twice", id)
				}
				ids[id] = true
			}
		}
	}
	for _, a := range elems["a"] {
		if !ids[strings.TrimPrefix(a["href"], "#")] {
			t.Errorf("link to %q, which is nowhere", a["href"])
		}
	}
	var labels []string
	for _, e := range elems["svg"] {
		if e["role"] == "img" {
			labels = append(labels, e["aria-label"])
		}
	}
	if want := "[loss <&> in nats by epoch: train <u> from 3.000 to 2.250, test from 3.000 to 2.500]"; fmt.Sprint(labels) != want {
		t.Errorf("charts are %v, want %s", labels, want)
	}
	if links := elems["a"]; links[1]["href"] != "#word-1" || len(elems["table"]) != 3 {
		t.Errorf("the first figure links to %v; %d tables, want the values of the chart, the options and the epochs", links[1], len(elems["table"]))
	}
	if len(elems["h1"]) != 1 || len(elems["h2"]) != 6 || elems["html"][0]["lang"] != "en" {
		t.Errorf("%d h1, %d h2, want 1 and 6", len(elems["h1"]), len(elems["h2"]))
	}
	for _, want := range []string{"cnn-vae on <mnist> & more", "Two <b>.", "175.1", "-n 64 > x && echo </script>", "151.9", "alone",
		"It <failed>.", "Less <i> is more.", "loss <&>", "train <u>", "--latent", "30 November", "What is minimised."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Count(text, "One.") != 1 || len(elems["script"]) != 1 {
		t.Errorf("text escaped its place: %d scripts", len(elems["script"]))
	}
}

func TestReportLeavesOutWhatIsEmpty(t *testing.T) {
	var b bytes.Buffer
	if err := WriteReport(&b, Report{Title: "bare"}); err != nil {
		t.Fatal(err)
	}
	elems, _ := parseReport(t, b.Bytes())
	for _, tag := range []string{"section", "table", "dl", "figure", "footer", "li"} {
		if len(elems[tag]) != 0 {
			t.Errorf("an empty report has %s", tag)
		}
	}
}

func TestReportErrors(t *testing.T) {
	pic := func(p Picture) Report {
		return Report{Title: "x", Sections: []Section{{Title: "s", Pictures: []Picture{p}}}}
	}
	for _, tt := range []struct {
		r    Report
		want string
	}{
		{Report{}, "no title"},
		{pic(Picture{Title: "p", Data: []byte("<svg/>")}), "alternative text"},
		{pic(Picture{Alt: "a", Data: []byte("hello")}), "want a PNG"},
		{pic(Picture{Alt: "a"}), "0 bytes"},
		{pic(Picture{Alt: "a", Data: []byte("\x89PNG\r\n\x1a\n")}), "unexpected EOF"},
		{Report{Title: "x", Epochs: Table{Columns: []string{"a", "b"}, Rows: [][]string{{"1"}}}}, "row 0 of the table has 1 cells, want 2"},
	} {
		var b bytes.Buffer
		err := WriteReport(&b, tt.r)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
		if b.Len() != 0 {
			t.Errorf("%q: %d bytes were written", tt.want, b.Len())
		}
	}
}
