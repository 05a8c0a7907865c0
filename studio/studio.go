// Package studio serves the page on which a person sees models learn: the runs of a folder as they are trained, what the models
// have learned, and the start of new trainings.
//
//	s, err := studio.New(studio.Options{Folder: "runs", Root: ".", Models: &models, Data: &sets, Backend: newBackend})
//	err = s.Serve(ctx, listener)
//
// The page is studio/web, built into studio/dist, which is embedded. What page and server say to each other is
// studio/web/src/api.ts: a test holds the answers to it. Below /v1 and /v2 is the API of package serve over the same models. A model is computed by the page itself, by the program and the weights
// that package export/page makes; the server computes only what the page cannot.
//
// Promises. The server listens on this machine alone and answers only who has its token (package serve/guard). Files are read
// and written through internal/disk, so that no name and no link leads out of the folder of the runs; data are looked for below
// Options.Root alone. Runs are followed by their files, whoever trains them. Nothing is followed that nobody looks at. Trainings are
// processes of their own, which go on when the studio ends.
//
// The package knows no concrete model, data set or command, but for the names of the commands that it starts.
package studio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/serve/guard"
)

// Options say what a studio shows.
type Options struct {
	Folder string // of the runs; made if it is missing
	Root   string // the folder below which files may be taken as data
	Models *model.Registry
	Data   *data.Registry
	// Backend returns the device that computes what the page cannot.
	Backend func() backend.Backend
	// OptionName returns the flag of a field that an error or a remedy names, as --beta; nil leaves the fields.
	OptionName func(field string) string
	// Command returns a command of this program, such as train, with arguments; nil = nothing can be started.
	Command func(args ...string) *exec.Cmd
	// Options returns the options of imago train for a recipe, those of training and those of its kind.
	Options func(recipe string) ([]Option, error)
	// Choose returns the recipe that suits data, its options, and why.
	Choose func(l data.Look) (recipe string, options map[string]string, why string)
	// Paper returns the paper that a recipe comes from; nil = none is known.
	Paper func(recipe string) string
	// StopTrainings says that the trainings end with the studio.
	StopTrainings bool
	Log           io.Writer // what the person at the terminal is to know; nil = nothing
}

// A Studio is made by New. Its methods are safe for concurrent use.
type Studio struct {
	opt    Options
	named  string      // the folder of the runs, as it was named
	folder disk.Folder // likewise
	own    disk.Folder // what the studio keeps, in it
	guard  *guard.Guard
	be     backend.Backend
	events *events
	models *opened

	mu    sync.Mutex
	runs  map[string]*runState
	notes map[string]note

	codes    *codesCache
	sets     *sets
	queue    *queue
	api      api
	looks    looks
	unlock   func() error
	bodyTime time.Duration  // for reading a body
	work     sync.WaitGroup // what goes on in the background
	ctx      context.Context
	cancel   context.CancelFunc
}

// ownFolder is the folder in that of the runs in which the studio keeps what is its own.
const ownFolder = ".studio"

// New returns a studio that follows the runs of a folder. The caller serves it, or closes it.
func New(opt Options) (*Studio, error) {
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	if opt.OptionName == nil {
		opt.OptionName = func(field string) string { return field }
	}
	if opt.Paper == nil {
		opt.Paper = func(string) string { return "" }
	}
	root, err := filepath.Abs(opt.Root)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	folder, err := filepath.Abs(opt.Folder)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	named := opt.Folder
	opt.Root, opt.Folder = root, folder
	s := &Studio{opt: opt, bodyTime: bodyTime, named: named, folder: disk.At(opt.Folder), events: newEvents(), runs: map[string]*runState{}, codes: newCodesCache()}
	s.sets = &sets{s: s, by: map[string]*openSet{}}
	s.own = s.folder.Sub(ownFolder)
	s.looks.by, s.api.s = map[string]*looked{}, s
	if err := s.own.MkdirAll("."); err != nil {
		return nil, fmt.Errorf("studio: %w; name a folder for the runs that can be written", err)
	}
	unlock, err := s.own.Lock("lock")
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, fmt.Errorf("studio: another studio shows the runs of %s: use its page, or name another folder", opt.Folder)
	case err != nil:
		return nil, fmt.Errorf("studio: %w; the folder of the runs has to be on a file system with locks", err)
	}
	s.unlock = unlock
	if s.queue, err = newQueue(s); err != nil {
		return nil, errors.Join(err, unlock())
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.be = opt.Backend()
	s.models = newOpened(s)
	if err := s.readNotes(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends what goes on in the background.
func (s *Studio) Close() error {
	s.cancel()
	s.work.Wait()
	return errors.Join(s.api.close(), s.be.Close(), s.unlock())
}

// Serve answers requests on a listener of this machine until ctx ends, and closes the studio. opened is called with the address
// of the page, with a token that is good once, when the first may be asked for, and again with the next when it was used.
func (s *Studio) Serve(ctx context.Context, l net.Listener, opened func(url string)) error {
	defer s.Close()
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok || !at.IP.IsLoopback() {
		return fmt.Errorf("studio: %s is not an address of this machine alone: the studio starts programs and reads files, so it answers nobody else; use 127.0.0.1", l.Addr())
	}
	address := func(token string) { opened(fmt.Sprintf("http://%s/?token=%s", l.Addr(), token)) }
	var err error
	if s.guard, err = guard.New(guard.Options{OneTime: true, Spent: address, MaxBody: maxBody, BodyTime: s.bodyTime}); err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	s.emptyTrash(trashAge)
	s.work.Go(func() { s.follow(s.ctx) })
	s.work.Go(func() { s.queue.work(s.ctx) })
	server := s.guard.Server(s.handler())
	server.BaseContext = func(net.Listener) context.Context { return s.ctx }
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	address(s.guard.OneTime())
	select {
	case err = <-ended:
	case <-ctx.Done():
		s.cancel() // streams of events end
		last, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err = server.Shutdown(last); errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	s.emptyTrash(0)
	s.queue.leave(s.opt.StopTrainings)
	return err
}

// logf writes a line for the person at the terminal.
func (s *Studio) logf(format string, args ...any) {
	fmt.Fprintf(s.opt.Log, format+"\n", args...)
}
