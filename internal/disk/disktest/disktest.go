// Package disktest is a file system in memory that fails, stops and forgets on demand, for tests of what is kept on a
// disk.
//
//	sys := disktest.New()
//	run := disk.On(sys, "/runs/x")
//	sys.Before = func(op disktest.Op) error { if op.N == 17 { return syscall.EIO }; return nil }
//	…
//	sys.PowerCut(nil) // what was not synced is gone, files and entries of folders alike
//
// Promises. A write that fails has written the first half of its bytes. After Kill every call fails and changes
// nothing, as for a process that is gone, until Restart. A power cut may forget of each folder the last changes of its
// entries since it was synced, and of each file the bytes since it was synced; folders and files that were synced are
// as they were. It must not know what is stored.
package disktest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/imago-ml/imago/internal/disk"
)

// ErrKilled is the error of every call after Kill.
var ErrKilled = errors.New("disktest: the process was killed")

// An Op is one call, which changes the disk or reads it.
type Op struct {
	N    int    // from 1
	Call string // "open", "create", "write", "sync", "rename", …
	Path string
}

// A System is a disk.System in memory. Its methods are safe for concurrent use.
type System struct {
	// Before is called with each call before it is done. Its error is what the call returns, and then it is not done.
	Before func(Op) error

	mu     sync.Mutex
	n      int
	killed bool
	locks  map[string]bool
	root   *node
}

var _ disk.System = (*System)(nil)

// New returns an empty file system.
func New() *System {
	return &System{root: newDir(), locks: map[string]bool{}}
}

// A node is a file or a folder.
type node struct {
	dir      bool
	children map[string]*node
	changes  []change // of the children since the last sync
	data     []byte
	synced   []byte
	modified time.Time
}

func newDir() *node { return &node{dir: true, children: map[string]*node{}, modified: time.Unix(0, 0)} }

// A change is what a call did to the entries of a folder: those that there were before, nil for none.
type change map[string]*node

// set changes entries of a folder in one step.
func (d *node) set(entries change) {
	before := change{}
	for name, n := range entries {
		before[name] = d.children[name]
		d.put(name, n)
	}
	d.changes = append(d.changes, before)
}

func (d *node) put(name string, n *node) {
	if n == nil {
		delete(d.children, name)
	} else {
		d.children[name] = n
	}
}

// Calls returns the number of calls so far.
func (s *System) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// Kill makes every call fail from now on.
func (s *System) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
}

// Restart lets calls work again, those of a new process: nobody has a lock.
func (s *System) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed, s.locks, s.Before = false, map[string]bool{}, nil
}

// PowerCut forgets what was not synced: all of it without r, and otherwise what r decides: of each folder the last
// changes, of each file its bytes since it was synced, or the end of them.
func (s *System) PowerCut(r *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.root.forget(r)
}

func (n *node) forget(r *rand.Rand) {
	if !n.dir {
		if r == nil || r.IntN(3) == 0 {
			n.data = slices.Clone(n.synced)
		} else if !bytes.HasPrefix(n.data, n.synced) { // it was cut and written again
		} else if more := len(n.data) - len(n.synced); more > 0 && r.IntN(2) == 0 {
			n.data = n.data[:len(n.synced)+r.IntN(more)]
		}
		n.synced = slices.Clone(n.data)
		return
	}
	keep := 0
	if r != nil {
		keep = r.IntN(len(n.changes) + 1)
	}
	for _, before := range slices.Backward(n.changes[keep:]) {
		for name, was := range before {
			n.put(name, was)
		}
	}
	n.changes = nil
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		n.children[name].forget(r)
	}
}

// Files returns the bytes of all files by their paths.
func (s *System) Files() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := map[string]string{}
	var walk func(at string, n *node)
	walk = func(at string, n *node) {
		if !n.dir {
			files[at] = string(n.data)
			return
		}
		for name, c := range n.children {
			walk(at+"/"+name, c)
		}
	}
	walk("", s.root)
	return files
}

// Put makes or changes a file, with its folders, on the disk.
func (s *System) Put(name, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.root
	parts := split(name)
	for _, p := range parts[:len(parts)-1] {
		if d.children[p] == nil {
			d.children[p] = newDir()
		}
		d = d.children[p]
	}
	d.children[parts[len(parts)-1]] = &node{data: []byte(text), synced: []byte(text)}
}

func split(p string) []string {
	return strings.FieldsFunc(path.Clean(p), func(r rune) bool { return r == '/' })
}

// call notes a call and returns its error, if it is to fail. The caller holds the mutex.
func (s *System) call(call, p string) error {
	if s.killed {
		return &fs.PathError{Op: call, Path: p, Err: ErrKilled}
	}
	s.n++
	if s.Before != nil {
		if err := s.Before(Op{s.n, call, p}); err != nil {
			if errors.Is(err, ErrKilled) {
				s.killed = true
			}
			return &fs.PathError{Op: call, Path: p, Err: err}
		}
	}
	return nil
}

// find returns the node of a path, or nil, and the folder that it is or would be in.
func (s *System) find(p string) (parent, n *node, base string, err error) {
	n = s.root
	for _, name := range split(p) {
		if n == nil {
			return nil, nil, "", syscall.ENOENT
		}
		if !n.dir {
			return nil, nil, "", syscall.ENOTDIR
		}
		parent, base = n, name
		n = n.children[name]
	}
	return parent, n, base, nil
}

// do runs a call that needs the node of root and name.
func (s *System) do(call, root, name string, body func(parent, n *node, base string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := path.Join(root, name)
	if err := s.call(call, p); err != nil {
		return err
	}
	parent, n, base, err := s.find(p)
	if err == nil {
		err = body(parent, n, base)
	}
	if err != nil {
		return &fs.PathError{Op: call, Path: p, Err: err}
	}
	return nil
}

// exists wraps a body that needs something of that name.
func exists(body func(parent, n *node, base string) error) func(parent, n *node, base string) error {
	return func(parent, n *node, base string) error {
		if n == nil {
			return syscall.ENOENT
		}
		return body(parent, n, base)
	}
}

// Mkdir makes a folder.
func (s *System) Mkdir(root, name string, _ fs.FileMode) error {
	return s.do("mkdir", root, name, func(parent, n *node, base string) error {
		if n != nil {
			return syscall.EEXIST
		}
		parent.set(change{base: newDir()})
		return nil
	})
}

// Remove removes a file or an empty folder.
func (s *System) Remove(root, name string) error {
	return s.do("remove", root, name, exists(func(parent, n *node, base string) error {
		if len(n.children) > 0 {
			return syscall.ENOTEMPTY
		}
		parent.set(change{base: nil})
		return nil
	}))
}

// Rename renames a file or folder.
func (s *System) Rename(root, from, to string) error {
	return s.do("rename", root, from, exists(func(parent, n *node, base string) error {
		newParent, old, newBase, err := s.find(path.Join(root, to))
		switch {
		case err != nil:
			return err
		case newParent == nil:
			return syscall.ENOENT
		case old != nil && old.dir != n.dir:
			return syscall.EEXIST
		case old != nil && len(old.children) > 0:
			return syscall.ENOTEMPTY
		case newParent == parent:
			parent.set(change{base: nil, newBase: n})
		default:
			parent.set(change{base: nil})
			newParent.set(change{newBase: n})
		}
		return nil
	}))
}

// Lstat describes a file or folder.
func (s *System) Lstat(root, name string) (st fs.FileInfo, err error) {
	err = s.do("stat", root, name, exists(func(_, n *node, base string) error {
		st = n.info(base)
		return nil
	}))
	return st, err
}

// Stat describes a file or folder; there are no links.
func (s *System) Stat(root, name string) (fs.FileInfo, error) { return s.Lstat(root, name) }

// ReadDir lists a folder.
func (s *System) ReadDir(root, name string) (entries []fs.DirEntry, err error) {
	err = s.do("readdir", root, name, exists(func(_, n *node, _ string) error {
		if !n.dir {
			return syscall.ENOTDIR
		}
		for _, name := range slices.Sorted(maps.Keys(n.children)) {
			entries = append(entries, fs.FileInfoToDirEntry(n.children[name].info(name)))
		}
		return nil
	}))
	return entries, err
}

// SyncDir makes the entries of a folder survive a power cut.
func (s *System) SyncDir(root, name string) error {
	return s.do("syncdir", root, name, exists(func(_, n *node, _ string) error {
		n.changes = nil
		return nil
	}))
}

// Lock locks by the path.
func (s *System) Lock(root, name string) (func() error, error) {
	p := path.Join(root, name)
	err := s.do("lock", root, name, func(parent, n *node, base string) error {
		if parent == nil {
			return syscall.ENOENT
		}
		if s.locks[p] {
			return disk.ErrLocked
		}
		if n == nil {
			parent.set(change{base: {}})
		}
		s.locks[p] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.locks, p)
		return nil
	}, nil
}

// OpenFile opens a file.
func (s *System) OpenFile(root, name string, flag int, _ fs.FileMode) (f disk.File, err error) {
	call := "open"
	if flag&os.O_CREATE != 0 {
		call = "create"
	}
	err = s.do(call, root, name, func(parent, n *node, base string) error {
		switch {
		case n == nil && flag&os.O_CREATE == 0:
			return syscall.ENOENT
		case n != nil && flag&os.O_EXCL != 0:
			return syscall.EEXIST
		case n == nil:
			if parent == nil {
				return syscall.ENOENT
			}
			n = &node{}
			parent.set(change{base: n})
		}
		if flag&os.O_TRUNC != 0 {
			n.data = nil
		}
		f = &file{s: s, n: n, path: path.Join(root, name), append: flag&os.O_APPEND != 0}
		return nil
	})
	return f, err
}

// A file is an open file.
type file struct {
	s      *System
	n      *node
	path   string
	at     int64
	append bool
}

// op runs a call on the file.
func (f *file) op(call string, body func() error) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.call(call, f.path); err != nil {
		return err
	}
	return body()
}

// Name returns the path.
func (f *file) Name() string { return f.path }

// Stat describes the file.
func (f *file) Stat() (st fs.FileInfo, err error) {
	err = f.op("fstat", func() error { st = f.n.info(path.Base(f.path)); return nil })
	return st, err
}

// Read reads as io.Reader.
func (f *file) Read(p []byte) (n int, err error) {
	err = f.op("read", func() error {
		if f.at >= int64(len(f.n.data)) {
			return io.EOF
		}
		n = copy(p, f.n.data[f.at:])
		f.at += int64(n)
		return nil
	})
	return n, err
}

// ReadAt reads as io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.op("read", func() error {
		if off < int64(len(f.n.data)) {
			n = copy(p, f.n.data[off:])
		}
		if n < len(p) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

// Write writes as io.Writer. If it is to fail, the first half is written, unless the process was killed before.
func (f *file) Write(p []byte) (n int, err error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	dead := f.s.killed
	err = f.s.call("write", f.path)
	if dead {
		return 0, err
	}
	if err != nil {
		p = p[:len(p)/2]
	}
	if f.append {
		f.at = int64(len(f.n.data))
	}
	if end := f.at + int64(len(p)); end > int64(len(f.n.data)) {
		f.n.data = append(f.n.data, make([]byte, end-int64(len(f.n.data)))...)
	}
	n = copy(f.n.data[f.at:], p)
	f.at += int64(n)
	return n, err
}

// Seek sets the place of the next read or write.
func (f *file) Seek(off int64, whence int) (int64, error) {
	err := f.op("seek", func() error {
		switch whence {
		case io.SeekCurrent:
			off += f.at
		case io.SeekEnd:
			off += int64(len(f.n.data))
		}
		f.at = off
		return nil
	})
	return f.at, err
}

// Truncate changes the length.
func (f *file) Truncate(size int64) error {
	return f.op("truncate", func() error {
		if size > int64(len(f.n.data)) {
			return syscall.EINVAL
		}
		f.n.data = slices.Clone(f.n.data[:size])
		return nil
	})
}

// Sync makes the bytes survive a power cut.
func (f *file) Sync() error {
	return f.op("sync", func() error { f.n.synced = slices.Clone(f.n.data); return nil })
}

// Close ends the use of the file.
func (f *file) Close() error { return f.op("close", func() error { return nil }) }

// info describes a node.
func (n *node) info(name string) fs.FileInfo { return info{n, name, int64(len(n.data))} }

type info struct {
	n    *node
	name string
	size int64
}

// Name returns the last part of the path.
func (i info) Name() string { return i.name }

// Size returns the number of bytes.
func (i info) Size() int64 { return i.size }

// Mode returns the type and the permissions.
func (i info) Mode() fs.FileMode {
	if i.n.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// ModTime returns a fixed time.
func (i info) ModTime() time.Time { return i.n.modified }

// IsDir reports whether it is a folder.
func (i info) IsDir() bool { return i.n.dir }

// Sys returns nil: nothing is beneath.
func (i info) Sys() any { return nil }
