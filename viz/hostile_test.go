package viz

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// Names from strangers stay text in the page and in SVG files: they open no element and leave the XML well-formed.
func FuzzNames(f *testing.F) {
	f.Add(`</script><script>alert(1)</script>`)
	f.Add(`" onload="x" '`)
	f.Add("\x1b]0;t\a\x00\u009b\u202e\xff]]>")
	f.Add("&lt;&#0;<!--")
	f.Add(strings.Repeat("long\xee", 3000)) // took seconds: shortening was quadratic
	f.Fuzz(func(t *testing.T, name string) {
		if strings.TrimSpace(name) == "" {
			t.Skip()
		}
		panel := Panel{CurveOptions{Title: name, XLabel: name, YLabel: name}, []Series{{Name: name, Y: []float64{3, 2}}, {Name: name + "x", Y: []float64{3, 1}}}}
		curves, err := PanelsSVG([]Panel{panel}, 1)
		if err != nil {
			t.Fatal(err)
		}
		network, err := NetworkSVG([]NetLayer{{Name: name, Kind: name, In: name, Out: name}}, name)
		if err != nil {
			t.Fatal(err)
		}
		kv := []KV{{name, name, name}}
		table := Table{Title: name, Columns: []string{name}, Rows: [][]string{{name}}}
		report := func(name string, kv []KV, table Table, panel Panel, svg []byte) Report {
			return Report{Title: name, Subtitle: name, Byline: []string{name}, Status: name, Figures: kv, Facts: kv, Commands: kv, Terms: kv, Footer: name, Epochs: table,
				Sections: []Section{{Title: name, Text: name, Warnings: []string{name}, Charts: []Panel{panel}, Tables: []Table{table},
					Pictures: []Picture{{Title: name, Caption: name, Alt: name, Data: svg}}}}}
		}
		var page, plain bytes.Buffer
		if err := WriteReport(&page, report(name, kv, table, panel, curves)); err != nil {
			t.Fatal(err)
		}
		want := Panel{CurveOptions{Title: "n", XLabel: "n", YLabel: "n"}, []Series{{Name: "n", Y: []float64{3, 2}}, {Name: "nx", Y: []float64{3, 1}}}}
		if err := WriteReport(&plain, report("n", []KV{{"n", "n", "n"}}, Table{Title: "n", Columns: []string{"n"}, Rows: [][]string{{"n"}}}, want, curves)); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Count(page.String(), "<"), strings.Count(plain.String(), "<"); got > want+strings.Count(name, "\n\n")*2 {
			t.Errorf("%q: %d elements in the page, want %d", name, got, want)
		}
		for _, svg := range [][]byte{curves, network} {
			d := xml.NewDecoder(bytes.NewReader(svg))
			for {
				tok, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%q: %v", name, err)
				}
				if e, ok := tok.(xml.StartElement); ok && (e.Name.Local == "script" || strings.HasPrefix(e.Name.Local, "on")) {
					t.Errorf("%q: an element %s", name, e.Name.Local)
				}
			}
		}
	})
}
