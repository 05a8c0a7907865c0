// Package site makes pages of HTML out of Markdown pages and their pictures, with a menu and a search that need no server and
// no network.
//
//	err := site.Write("site", site.Source{Pages: docs.Pages, Index: docs.Index, Outside: "https://example.org/blob/main/docs/"})
//
// The menu is what the index lists: its headings are the groups, its lists the pages. A page in a folder is listed by the index
// of that folder instead, which is in the menu for all of them. The site has no folders: gallery/dcgan.md is gallery-dcgan.html.
// A list whose items begin with a picture is a grid of cards. Links between pages go to the pages of HTML; anchors are those of
// code hosts, so a link is right in both. The search is a script that reads the words of all
// sections from a second script, since a page that is opened from a disk may read no other file.
//
// Markdown is read by goldmark; HTML in a page is left out of what is written, but for comments, pictures with a width, and
// what is listed in htmlAllowed. The package must not know which pages there are.
package site

import (
	"bytes"
	_ "embed" // the parts of a page
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	renderhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/imago-ml/imago/internal/atomicfile"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS []byte
	//go:embed search.js
	searchJS []byte
)

// A Source is what a site is made of.
type Source struct {
	Pages   fs.FS  // Markdown pages and pictures; other files are left out
	Index   string // the name of the page that lists the others, in each folder
	Outside string // the address below which files are found that are not in Pages, with / at the end
	Version string // of the program, shown at the foot
}

// A group is a part of the menu.
type group struct {
	Title string
	Links []link
}

// A link leads to a page.
type link struct {
	Title, Address string
	Here           bool
}

// A section is what the search finds: the words below a heading.
type section struct {
	Page    string `json:"p"` // title
	Title   string `json:"t"` // of the section; "" of the beginning of a page
	Address string `json:"a"`
	Text    string `json:"x"`
}

// A page is what the template shows.
type page struct {
	Title, Name, Version string
	Menu                 []group
	Contents             []link // the headings of the page
	Previous, Next       *link
	Body                 template.HTML
}

// Write writes the site to a folder, which is made if there is none: index.html and a file for each page, the pictures, the
// style and the search. Other files there are left. It fails for a page that no index lists, and for a link to a page or a
// picture that is not there.
func Write(dir string, src Source) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	s := &builder{src: src, template: template.Must(template.New("page").Parse(pageHTML)), markdown: newMarkdown()}
	index, err := fs.ReadFile(src.Pages, src.Index)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	s.readMenu(index)
	write := func(name string, b []byte) error {
		if err := atomicfile.WriteBytes(filepath.Join(dir, name), b); err != nil {
			return fmt.Errorf("site: %w", err)
		}
		return nil
	}
	err = fs.WalkDir(src.Pages, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("site: %w", err)
		}
		if e.IsDir() || !slices.Contains(shown, path.Ext(name)) {
			return nil
		}
		b, err := fs.ReadFile(src.Pages, name)
		if err != nil {
			return fmt.Errorf("site: %w", err)
		}
		if path.Ext(name) == ".md" {
			if b, err = s.page(name, b); err != nil {
				return err
			}
		}
		return write(s.address(name), b)
	})
	if err != nil {
		return err
	}
	words, err := json.Marshal(s.sections)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	if err := write("words.js", append(append([]byte("globalThis.imagoWords = "), words...), ';', '\n')); err != nil {
		return err
	}
	if err := write("search.js", searchJS); err != nil {
		return err
	}
	return write("page.css", pageCSS)
}

// shown are the endings of the files that a site has.
var shown = []string{".md", ".png", ".gif"}

// A builder makes the pages of a site.
type builder struct {
	src      Source
	template *template.Template
	markdown goldmark.Markdown
	menu     []group
	sections []section
}

// address returns the file of a page or picture: data.html of data.md, gallery-dcgan.html of gallery/dcgan.md, and
// gallery.html of the index of that folder.
func (s *builder) address(name string) string {
	if dir, base := path.Split(name); dir != "" && base == s.src.Index {
		name = path.Clean(dir) + ".md"
	}
	name = strings.ReplaceAll(name, "/", "-")
	if base, ok := strings.CutSuffix(name, ".md"); ok {
		return base + ".html"
	}
	return name
}

// newMarkdown returns what reads and writes the Markdown of a page.
func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(rawRenderer{}, 100)), renderhtml.WithXHTML()),
	)
}

// parse returns the tree of a page. Its headings have the anchors of code hosts.
func (s *builder) parse(b []byte) ast.Node {
	return s.markdown.Parser().Parse(text.NewReader(b), parser.WithContext(parser.NewContext(parser.WithIDs(&anchors{used: map[string]bool{}}))))
}

// readMenu sets the menu from the headings and lists of the index.
func (s *builder) readMenu(index []byte) {
	root := s.parse(index)
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				s.menu = append(s.menu, group{Title: plain(n, index)})
			}
		case *ast.List:
			for item := n.FirstChild(); item != nil && len(s.menu) > 0; item = item.NextSibling() {
				if l := firstLink(item); l != nil {
					g := &s.menu[len(s.menu)-1]
					g.Links = append(g.Links, link{Title: plain(l, index), Address: s.address(string(l.Destination))})
				}
			}
		}
	}
}

// firstLink returns the first link below a node, or nil.
func firstLink(n ast.Node) (found *ast.Link) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		if l, ok := n.(*ast.Link); ok && found == nil {
			found = l
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found
}

// order returns the links to the pages that are read one after another, of which a page is one: those of the menu, or of a
// page in a folder those that the index of the folder lists.
func (s *builder) order(name string) ([]link, error) {
	if dir := path.Dir(name); dir != "." && path.Base(name) != s.src.Index {
		list := path.Join(dir, s.src.Index)
		index, err := fs.ReadFile(s.src.Pages, list)
		if err != nil {
			return nil, fmt.Errorf("site: %w", err)
		}
		all := []link{{Title: title(s.parse(index), index), Address: s.address(list)}}
		err = ast.Walk(s.parse(index), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if n.Kind() == ast.KindListItem && entering {
				if l := firstLink(n); l != nil {
					all = append(all, link{Title: plain(l, index), Address: s.address(path.Join(dir, string(l.Destination)))})
				}
			}
			return ast.WalkContinue, nil
		})
		return all, err
	}
	var all []link
	for _, g := range s.menu {
		all = append(all, g.Links...)
	}
	return all, nil
}

// title returns the text of the first heading of a page.
func title(root ast.Node, b []byte) string {
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			return plain(h, b)
		}
	}
	return ""
}

// page returns a page as HTML, and adds its words to the search.
func (s *builder) page(name string, b []byte) ([]byte, error) {
	root := s.parse(b)
	p := page{Name: s.address(name), Version: s.src.Version}
	all, err := s.order(name)
	if err != nil {
		return nil, err
	}
	listed, inMenu := name == s.src.Index, p.Name
	for i := range all {
		if all[i].Address == p.Name {
			listed = true
			if i > 0 {
				p.Previous = &all[i-1]
			}
			if i+1 < len(all) {
				p.Next = &all[i+1]
			}
		}
	}
	index := s.src.Index
	if dir := path.Dir(name); dir != "." {
		index = path.Join(dir, index)
		inMenu = s.address(index)
	}
	if !listed {
		return nil, fmt.Errorf("site: %s does not list %s: add it to one of its lists", index, name)
	}
	for _, g := range s.menu {
		g.Links = append([]link(nil), g.Links...)
		for i := range g.Links {
			g.Links[i].Here = g.Links[i].Address == inMenu
		}
		p.Menu = append(p.Menu, g)
	}
	if err := s.links(name, root); err != nil {
		return nil, err
	}
	s.collect(&p, root, b)
	var body, out bytes.Buffer
	if err := s.markdown.Renderer().Render(&body, b, root); err != nil {
		return nil, fmt.Errorf("site: %s: %w", name, err)
	}
	text := longCode.ReplaceAllStringFunc(body.String(), func(code string) string {
		words := strings.Split(code[len("<code>"):len(code)-len("</code>")], " ")
		for i, w := range words {
			if len(w) <= longestWord {
				words[i] = "<span>" + w + "</span>"
			}
		}
		return `<code class="long">` + strings.Join(words, " ") + "</code>"
	})
	text = strings.NewReplacer("<pre>", `<div class="code"><pre tabindex="0">`, "</pre>", "</pre></div>").Replace(text) // a button stands beside it; a wide one is scrolled by keys
	p.Body = template.HTML(emptyHead.ReplaceAllString(wideTables.ReplaceAllString(text, `<div class="table" role="group" aria-label="table" tabindex="0">$0</div>`), "<td></td>"))
	if err := s.template.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("site: %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// wideTables finds tables: one that is wider than the page scrolls in a frame of its own.
var wideTables = regexp.MustCompile(`(?s)<table>.*?</table>`)

// longCode finds commands in the text, which wrap between words, as names and options do not.
var longCode = regexp.MustCompile(`<code>[^<]{24,}</code>`)

// longestWord is the length of a word of code that stays in one line on a narrow screen.
const longestWord = 32

// emptyHead finds heads of columns without a text, which are no heads: those above the names of rows.
var emptyHead = regexp.MustCompile(`<th[^>]*></th>`)

// links makes the links and pictures of a page those of the site, and its lists of pictures cards.
func (s *builder) links(name string, root ast.Node) error {
	return ast.Walk(root, func(n ast.Node, entering bool) (_ ast.WalkStatus, err error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination, err = s.target(name, string(n.Destination))
		case *ast.Image:
			n.Destination, err = s.target(name, string(n.Destination))
		case *ast.List:
			if isCards(n) {
				n.SetAttributeString("class", []byte("cards"))
			}
		}
		return ast.WalkContinue, err
	})
}

// target returns where a link or a picture of a page leads to in the site.
func (s *builder) target(name, to string) ([]byte, error) {
	file, anchor, has := strings.Cut(to, "#")
	if file == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
		return []byte(to), nil
	}
	file = path.Join(path.Dir(name), file)
	if _, err := fs.Stat(s.src.Pages, file); err == nil && slices.Contains(shown, path.Ext(file)) {
		file = s.address(file)
	} else if !strings.Contains(to, "/") {
		return nil, fmt.Errorf("site: %s: link to %s: there is no such page", name, to)
	} else {
		file = s.src.Outside + file
	}
	if has {
		file += "#" + anchor
	}
	return []byte(file), nil
}

// isCards reports whether all items of a list begin with a picture.
func isCards(l *ast.List) bool {
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		n := item.FirstChild()
		for n != nil && n.Kind() != ast.KindImage && n.FirstChild() != nil {
			n = n.FirstChild()
		}
		if n == nil || n.Kind() != ast.KindImage {
			return false
		}
	}
	return true
}

// collect sets the title and the contents of a page, and adds its sections to the search.
func (s *builder) collect(p *page, root ast.Node, b []byte) {
	here := section{Address: p.Name}
	var words strings.Builder
	end := func() {
		here.Page, here.Text = p.Title, strings.Join(strings.Fields(words.String()), " ")
		if here.Text != "" || here.Title != "" {
			s.sections = append(s.sections, here)
		}
		words.Reset()
	}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok {
			words.WriteString(plain(n, b) + " ")
			continue
		}
		if h.Level == 1 {
			p.Title = plain(h, b)
			continue
		}
		end()
		id, _ := h.AttributeString("id")
		anchor, _ := id.([]byte)
		here = section{Title: plain(h, b), Address: p.Name + "#" + string(anchor)}
		if h.Level == 2 {
			p.Contents = append(p.Contents, link{Title: here.Title, Address: "#" + string(anchor)})
		}
	}
	end()
}

// plain returns the text of a node without marks and without pictures.
func plain(n ast.Node, b []byte) string {
	var t strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		if !entering {
			if n.Type() == ast.TypeBlock {
				t.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Image: // its text is for who does not see it
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			t.Write(n.Segment.Value(b))
			if n.SoftLineBreak() {
				t.WriteByte(' ')
			}
		case *ast.String:
			t.Write(n.Value)
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				t.Write(line.Value(b))
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(html.UnescapeString(t.String()))
}
