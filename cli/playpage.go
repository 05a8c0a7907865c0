package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// mostHeard is the number of items that a page plays, at most, and mostHeardBytes the size of the files from which
// it plays no more.
const (
	mostHeard      = 200
	mostHeardBytes = 24 << 20
)

// writePlayPage writes a page beside a picture that shows and plays its items, if their medium is heard. titles are those
// of the items; nil = by number.
func (a *app) writePlayPage(picture string, item medium.Item, values []float32, titles []string) error {
	if _, heard := item.Medium.(medium.Audible); !heard {
		return nil
	}
	n, size, noun := len(values)/item.Size(), item.Size(), medium.Noun(item)
	name := strings.TrimSuffix(picture, filepath.Ext(picture)) + ".html"
	section := viz.Section{Title: english.Plural(n, noun)}
	bytes := 0
	for i := 0; i < min(n, mostHeard) && bytes < mostHeardBytes; i++ {
		title := fmt.Sprintf("%s %d", noun, i+1)
		if titles != nil && titles[i] != "" {
			title += ": " + titles[i]
		}
		c, err := viz.NewClip(item, values[i*size:(i+1)*size], title)
		if err != nil {
			return err
		}
		section.Clips = append(section.Clips, c)
		bytes += c.Bytes
	}
	if heard := len(section.Clips); heard < n {
		section.Title = fmt.Sprintf("The first %d of %s", heard, english.Plural(n, noun))
	}
	page := viz.Report{Title: strings.TrimSuffix(filepath.Base(name), ".html"), Sections: []viz.Section{section}}
	if err := atomicfile.Write(name, func(w io.Writer) error { return viz.WriteReport(w, page) }); err != nil {
		return err
	}
	a.printWritten(name, "a page that plays %s", section.Title)
	return nil
}
