package data

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/imago-ml/imago/internal/interrupt"
)

// An Opener reads one kind of path: a folder of images, a zip, an IDX file.
type Opener struct {
	Name string // "folder", for messages
	// Match reports whether the path is of this kind, by its FileInfo and the first
	// bytes of the file (up to 512; none for a directory). It may read further, but
	// must not read the whole file.
	Match func(path string, info fs.FileInfo, head []byte) bool
	// Open reads the set. It may ignore Size and Gray: Registry.Open applies them.
	Open func(ctx context.Context, path string, opt Options) (*Set, error)
	// Look says what the set is, without the work of Open; nil = Open does.
	Look func(ctx context.Context, path string, opt Options) (Look, error)
	// Asked reports whether the options ask for this kind of reading, whatever else would read the
	// path; nil = they never do.
	Asked func(opt Options) bool
	// Crops is true if Open applies Options.Crop itself; otherwise Registry.Open does.
	Crops bool
}

// A Registry holds the sets known by name and the kinds of paths that can be read. The
// zero value is empty and ready for use.
type Registry struct {
	sources map[string]Source
	openers []Opener
}

// Register adds a named set. It panics if the name is empty or already used, or if Load
// is nil: the registry is filled once, at the start of the program.
func (r *Registry) Register(s Source) {
	if _, dup := r.sources[s.Name]; dup || s.Name == "" || s.Load == nil {
		panic(fmt.Sprintf("data: empty or repeated source %q", s.Name))
	}
	if r.sources == nil {
		r.sources = map[string]Source{}
	}
	r.sources[s.Name] = s
}

// RegisterOpener adds a kind of path. Kinds are tried in the order of their
// registration. It panics if a field is missing or the name is already used.
func (r *Registry) RegisterOpener(o Opener) {
	for _, have := range r.openers {
		if have.Name == o.Name {
			panic(fmt.Sprintf("data: repeated opener %q", o.Name))
		}
	}
	if o.Name == "" || o.Match == nil || o.Open == nil {
		panic(fmt.Sprintf("data: empty opener %q", o.Name))
	}
	r.openers = append(r.openers, o)
}

// Names returns the names of the sets, sorted.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.sources))
	for n := range r.sources {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Source returns the set of that name; the error lists the known names.
func (r *Registry) Source(name string) (Source, error) {
	s, ok := r.sources[name]
	if !ok {
		return s, fmt.Errorf("data: no set %q%s; have %s", name, DidYouMean(name, r.Names()), strings.Join(r.Names(), ", "))
	}
	return s, nil
}

// Open returns the set of that name or, if there is none, the set at that path
// ("./mnist" is a path even if mnist is a set; "-" is Options.Input). It crops, resizes and converts to grey
// as opt says, checks the set (Validate), removes the images of opt.Without, takes
// opt.Limit of the rest, and divides off the validation part.
func (r *Registry) Open(ctx context.Context, nameOrPath string, opt Options) (*Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	if nameOrPath == StandardInput {
		path, done, err := spool(opt.Input)
		if err != nil {
			return nil, err
		}
		defer done()
		set, err := r.Open(ctx, path, opt)
		if err == nil {
			set.Name, set.Path = StandardInput, ""
		}
		return set, err
	}
	load, crops, err := r.loader(nameOrPath, opt)
	if err != nil {
		return nil, err
	}
	own := opt
	if opt.Crop > 0 && !crops {
		own.Size, own.Crop = 0, 0 // cropped before it is resized: both here
	} else {
		opt.Crop = 0
	}
	var set *Set
	err = interrupt.Within(ctx, func() error {
		read, err := load(ctx, own)
		if err == nil {
			read, err = fit(ctx, read, opt)
		}
		if err == nil {
			err = read.Validate()
		}
		if err == nil {
			read, err = without(read, opt.Without)
		}
		if err == nil {
			read, err = limit(read, opt)
		}
		if err == nil {
			set, err = Validation(read, opt)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, named := r.sources[nameOrPath]; !named {
		if set.Path, err = filepath.Abs(nameOrPath); err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
	}
	if what := r.shadowed(nameOrPath); what != "" {
		noted := *set
		noted.Notes = slices.Clone(set.Notes)
		noted.Warn("%q is the set of that name that imago brings along; there is a %s %[1]s here too, and ./%[1]s means that", nameOrPath, what)
		set = &noted
	}
	return set, nil
}

// shadowed returns what is at the path that a set's name also is, a folder or a file; ""
// if nothing is, or if the name is no set's.
func (r *Registry) shadowed(name string) string {
	if _, ok := r.sources[name]; !ok {
		return ""
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return ""
	case info.IsDir():
		return "folder"
	}
	return "file"
}

// loader returns the function that reads the set of that name or at that path, and
// reports whether it crops.
func (r *Registry) loader(nameOrPath string, opt Options) (load func(context.Context, Options) (*Set, error), crops bool, err error) {
	if s, ok := r.sources[nameOrPath]; ok {
		return s.Load, s.Crops, nil
	}
	o, err := r.opener(nameOrPath, opt)
	if err != nil {
		return nil, false, err
	}
	return func(ctx context.Context, opt Options) (*Set, error) { return o.Open(ctx, nameOrPath, opt) }, o.Crops, nil
}

// opener returns the opener of the set at a path. It fails for the name of a set too.
func (r *Registry) opener(path string, opt Options) (Opener, error) {
	if _, ok := r.sources[path]; ok {
		return Opener{}, fmt.Errorf("data: %q is the name of a set", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		if os.IsNotExist(err) {
			return Opener{}, fmt.Errorf("data: %q%s is neither a set (%s) nor a folder, zip, IDX, NPZ or CSV file that exists", path, DidYouMean(path, r.Names()), strings.Join(r.Names(), ", "))
		}
		return Opener{}, fmt.Errorf("data: %w", err)
	}
	head, err := readHead(path, info)
	if err != nil {
		return Opener{}, fmt.Errorf("data: %w", err)
	}
	for _, o := range r.openers {
		if o.Asked != nil && o.Asked(opt) && !info.IsDir() {
			return o, nil
		}
	}
	for _, o := range r.openers {
		if o.Match(path, info, head) {
			return o, nil
		}
	}
	return Opener{}, fmt.Errorf("data: %s: not a kind of file that holds a set; want a folder or zip of images, an IDX, NPZ or CSV file, or a text", path)
}

// readHead returns the first bytes of a regular file, none of a directory. It refuses
// everything else: opening a pipe would block.
func readHead(path string, info fs.FileInfo) ([]byte, error) {
	if info.IsDir() {
		return nil, nil
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: neither a folder nor a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}
