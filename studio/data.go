package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/screen"
)

// A dataSet is a card.
type dataSet struct {
	Source  string  `json:"source"`
	Name    string  `json:"name"`
	About   string  `json:"about"`
	Kind    string  `json:"kind"` // drawn, set, folder, file or upload
	Present bool    `json:"present"`
	Picture *string `json:"picture"`
}

// A look is what a person sees of data before a training.
type look struct {
	Source     string     `json:"source"`
	Name       string     `json:"name"`
	Medium     string     `json:"medium"`
	Shape      []int      `json:"shape"`
	Train      int        `json:"train"`
	Test       int        `json:"test"`
	Classes    []class    `json:"classes"`
	Attributes []string   `json:"attributes"`
	Notes      []dataNote `json:"notes"`
	Preview    string     `json:"preview"`
	Suggestion suggestion `json:"suggestion"`
}

type class struct {
	Name  string `json:"name"`
	Items int    `json:"items"`
}

type dataNote struct {
	Kind string `json:"kind"` // note or warning
	Text string `json:"text"`
}

type suggestion struct {
	Recipe  string            `json:"recipe"`
	Options map[string]string `json:"options"`
	Why     string            `json:"why"`
}

// getData lists the data that a training may take.
func (s *Studio) getData(w http.ResponseWriter, r *http.Request) error {
	list := []dataSet{}
	for _, name := range s.opt.Data.Names() {
		src, err := s.opt.Data.Source(name)
		if err != nil {
			return err
		}
		d := dataSet{Source: name, Name: name, About: src.About, Kind: "drawn", Present: true}
		if src.Verify != nil {
			d.Kind, d.Present = "set", isHere(r.Context(), src)
		}
		if d.Present {
			picture := "/api/data/preview.png?" + url.Values{"source": {name}, "few": {"1"}}.Encode()
			d.Picture = &picture
		}
		list = append(list, d)
	}
	slices.SortStableFunc(list, func(a, b dataSet) int { // what needs no download comes first
		switch {
		case a.Present == b.Present:
			return 0
		case a.Present:
			return -1
		}
		return 1
	})
	list = append(list, s.dataIn(s.opt.Root, "")...)
	list = append(list, s.dataIn(s.own.Path(uploadsFolder), "upload")...)
	return writeJSON(w, list)
}

// isHere reports whether the files of a set are there.
func isHere(ctx context.Context, src data.Source) bool {
	find := src.Find
	if find == nil {
		find = src.Verify
	}
	status, err := find(ctx, data.Options{Offline: true})
	return err == nil && len(status) > 0 && !slices.ContainsFunc(status, func(f data.FileStatus) bool { return f.Err != nil })
}

// dataFiles are the extensions of files that may be data.
var dataFiles = []string{".zip", ".csv", ".tsv", ".npz", ".gz"}

// mostListed is the most entries of a folder that are listed.
const mostListed = 2000

// dataIn lists what lies in a folder and may be data, by its names alone; kind is that of all, or "" for folder and file.
func (s *Studio) dataIn(dir, kind string) []dataSet {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // a folder that is not there has none
	}
	var list []dataSet
	for _, e := range entries[:min(len(entries), mostListed)] {
		name := e.Name()
		p := filepath.Join(dir, name)
		d := dataSet{Source: p, Name: screen.Name(name), Kind: kind, Present: true}
		switch {
		case strings.HasPrefix(name, ".") || p == absolute(s.opt.Folder):
			continue
		case e.IsDir() && hasPictures(p):
			d.About, d.Kind = "a folder of pictures", orElse(kind, "folder")
		case !e.IsDir() && slices.Contains(dataFiles, strings.ToLower(filepath.Ext(name))):
			d.About, d.Kind = "a file of data", orElse(kind, "file")
		default:
			continue
		}
		list = append(list, d)
	}
	return list
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// absolute returns the absolute form of a path.
func absolute(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

// pictureFiles are the extensions of pictures.
var pictureFiles = []string{".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}

// hasPictures reports whether one of the first entries of a folder is a picture, or of the first folder in it.
func hasPictures(dir string) bool {
	const few = 50
	names := func(dir string) (list []os.DirEntry) {
		f, err := os.Open(dir)
		if err != nil {
			return nil
		}
		defer f.Close()
		list, _ = f.ReadDir(few) // what cannot be read is no data
		return list
	}
	is := func(e os.DirEntry) bool {
		return !e.IsDir() && slices.Contains(pictureFiles, strings.ToLower(filepath.Ext(e.Name())))
	}
	list := names(dir)
	if slices.ContainsFunc(list, is) {
		return true
	}
	for _, e := range list {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			return slices.ContainsFunc(names(filepath.Join(dir, e.Name())), is)
		}
	}
	return false
}

// looks are the looks at data that were taken last.
type looks struct {
	mu sync.Mutex
	by map[string]*looked
}

// forget drops the looks at data that have changed.
func (l *looks) forget(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if real, err := filepath.EvalSymlinks(source); err == nil { // as Studio.within
		source = real
	}
	for key := range l.by {
		if _, of, _ := strings.Cut(key, "\x00"); of == source {
			delete(l.by, key)
		}
	}
}

// A looked is a look that is being taken, or was.
type looked struct {
	done    chan struct{}
	at      time.Time
	look    *look
	preview []byte
	err     error
}

const (
	mostLooks     = 20
	lookAge       = 10 * time.Minute // after which data are looked at again
	lookWait      = 300 * time.Millisecond
	previewOf     = 64      // items
	cardItems     = 9       // of a card
	previewPixels = 1 << 20 // of all items of a preview together, about
)

// getLook answers with what is known of data, or 202 while they are read.
func (s *Studio) getLook(w http.ResponseWriter, r *http.Request) error {
	l, err := s.awaitLook(r, time.After(lookWait))
	if err != nil {
		return err
	}
	if l == nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, err := w.Write([]byte(`{"progress":null}`))
		return err
	}
	return writeJSON(w, l.look)
}

// getPreview answers with some of the items of data that were looked at.
func (s *Studio) getPreview(w http.ResponseWriter, r *http.Request) error {
	l, err := s.awaitLook(r, nil)
	if err != nil || l == nil {
		return err
	}
	return writeBytes(w, kinds[".png"], l.preview)
}

// awaitLook returns the look that a request asks for, or nil if it is late or nobody waits for it any more.
func (s *Studio) awaitLook(r *http.Request, late <-chan time.Time) (*looked, error) {
	l, err := s.look(r)
	if err != nil {
		return nil, err
	}
	select {
	case <-l.done:
	case <-r.Context().Done():
		return nil, nil
	case <-late:
		return nil, nil
	}
	if l.err != nil {
		return nil, faultf(http.StatusUnprocessableEntity, "%s", s.text(l.err))
	}
	return l, nil
}

// look returns the look that a request asks for, which may have to be taken.
func (s *Studio) look(r *http.Request) (*looked, error) {
	source, err := s.source(r.URL.Query().Get("source"))
	if err != nil {
		return nil, err
	}
	size, err := queryInt(r, "size", 0, 0, 4096)
	if err != nil {
		return nil, err
	}
	few := r.URL.Query().Get("few") != ""
	key := fmt.Sprintf("%d %v\x00%s", size, few, source)
	s.looks.mu.Lock()
	defer s.looks.mu.Unlock()
	if l := s.looks.by[key]; l != nil && time.Since(l.at) < lookAge {
		return l, nil
	}
	l := &looked{done: make(chan struct{}), at: time.Now()}
	if len(s.looks.by) >= mostLooks {
		clear(s.looks.by)
	}
	s.looks.by[key] = l
	s.work.Go(func() {
		defer close(l.done)
		if few {
			l.preview, l.err = s.fewOf(s.ctx, source)
		} else {
			l.look, l.preview, l.err = s.takeLook(s.ctx, source, size)
		}
		if l.err != nil { // it is looked at again when it is asked for again
			s.looks.mu.Lock()
			l.at = time.Time{}
			s.looks.mu.Unlock()
		}
	})
	return l, nil
}

// fewOf returns some items of a set that imago knows by name as a PNG, for a card. It reads or draws no more than it must.
func (s *Studio) fewOf(ctx context.Context, source string) ([]byte, error) {
	if !slices.Contains(s.opt.Data.Names(), source) {
		return nil, fmt.Errorf("%s is not one of the sets that imago knows", source)
	}
	set, err := s.opt.Data.Open(ctx, source, data.Options{Offline: true, Limit: cardItems})
	if err != nil {
		return nil, err
	}
	return previewOfSet(ctx, set, set.Item(), cardItems)
}

// takeLook reads data, as a training would that has the options that suit them.
func (s *Studio) takeLook(ctx context.Context, source string, size int) (*look, []byte, error) {
	src, err := s.opt.Data.Source(source)
	if err == nil && src.Verify != nil && !isHere(ctx, src) {
		return nil, nil, errors.New(source + " is not here yet: a training fetches it, or imago data get " + source)
	}
	opt := data.Options{Offline: true}
	out := &look{Source: source, Classes: []class{}, Attributes: []string{}, Notes: []dataNote{}, Shape: []int{}, Suggestion: suggestion{Options: map[string]string{}}}
	if s.opt.Choose != nil {
		first, err := s.opt.Data.Look(ctx, source, opt)
		if err != nil {
			return nil, nil, err
		}
		out.Suggestion.Recipe, out.Suggestion.Options, out.Suggestion.Why = s.opt.Choose(first)
	}
	opt.Size = size
	if n, ok := out.Suggestion.Options["size"]; ok && size == 0 {
		if opt.Size, err = strconv.Atoi(n); err != nil {
			return nil, nil, fmt.Errorf("studio: %w", err)
		}
	}
	set, err := s.opt.Data.Open(ctx, source, opt)
	if err != nil {
		return nil, nil, err
	}
	it := set.Item()
	out.Name, out.Shape = screen.Name(set.Name), append(out.Shape, it.Shape...)
	if it.Medium != nil {
		out.Medium = it.Medium.Name()
	}
	out.Train, out.Test = set.Train.Len(), set.Test.Len()
	counts := make([]int, len(set.Classes))
	for _, split := range []data.Split{set.Train, set.Test} {
		for _, l := range split.Labels {
			if l >= 0 && int(l) < len(counts) {
				counts[l]++
			}
		}
	}
	for i, name := range set.Classes {
		out.Classes = append(out.Classes, class{screen.Text(name), counts[i]})
	}
	for _, name := range set.Attributes {
		out.Attributes = append(out.Attributes, screen.Text(name))
	}
	for _, n := range set.Notes {
		kind := "note"
		if n.Warning {
			kind = "warning"
		}
		out.Notes = append(out.Notes, dataNote{kind, screen.Text(n.Named(s.opt.OptionName).Text)})
	}
	out.Preview = "/api/data/preview.png?" + url.Values{"source": {source}, "size": {strconv.Itoa(size)}, "t": {strconv.FormatInt(time.Now().UnixMilli(), 10)}}.Encode()
	preview, err := previewOfSet(ctx, set, it, previewOf)
	return out, preview, err
}

// previewOfSet returns some of the items of a set as a PNG.
func previewOfSet(ctx context.Context, set *data.Set, it medium.Item, most int) ([]byte, error) {
	h, wide, _ := medium.TileSize(it)
	n := min(most, set.Train.Len(), max(4, previewPixels/max(1, h*wide)))
	if it.Medium == nil {
		return nil, nil
	}
	some, err := set.Train.EvenlySpaced(n)
	if err != nil {
		return nil, err
	}
	values, err := data.AllFloats(ctx, some.Items)
	if err != nil {
		return nil, err
	}
	return sheet(it, values, columns(n))
}
