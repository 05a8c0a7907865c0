package studio

import (
	"net/http"
	"strings"
	"sync"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/serve"
	"github.com/imago-ml/imago/train"
)

// An api is the API of imago serve over the models of a studio: those that imago brings along, as zoo-NAME, and the runs, whose best
// weights are added when they are asked for first, and again when they have become better.
type api struct {
	s      *Studio
	mu     sync.Mutex
	lib    *serve.Library // nil until somebody asks
	server *serve.Server
	added  map[string]string // of each model, which weights it has
}

// getAPI answers a request of the API.
func (s *Studio) getAPI(w http.ResponseWriter, r *http.Request) error {
	a := &s.api
	a.mu.Lock()
	err := a.begin(r)
	if err == nil {
		err = a.add(r, modelOf(r.URL.Path))
	}
	a.mu.Unlock()
	if err != nil {
		return err
	}
	a.server.ServeHTTP(w, r)
	return nil
}

// modelOf returns the model that the path of a request names, or "".
func modelOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 || parts[1] != "models" {
		return ""
	}
	return parts[2]
}

// begin makes the server, with the models that imago brings along.
func (a *api) begin(r *http.Request) error {
	if a.server != nil {
		return nil
	}
	lib := serve.NewLibrary(serve.LibraryOptions{Backend: a.s.opt.Backend})
	server, err := serve.New(lib, serve.Options{Log: func(text string) { a.s.logf("%s", text) }})
	if err != nil {
		return err
	}
	a.lib, a.server, a.added = lib, server, map[string]string{}
	for _, m := range zoo.Models() {
		if err := a.add(r, zooName(m.Path())); err != nil {
			return err
		}
	}
	return nil
}

// zooName returns the name by which the API has a model that imago brings along.
func zooName(path string) string { return strings.ReplaceAll(path, ":", "-") }

// add adds the model of a name, if there is one: who asks for another is answered by the server.
func (a *api) add(r *http.Request, name string) error {
	if name == "" {
		return nil
	}
	run, err := a.s.find(name)
	for _, m := range zoo.Models() {
		if err != nil && zooName(m.Path()) == name {
			run, err = a.s.find(m.Path())
		}
	}
	if err != nil {
		return nil
	}
	of, checkpoint, err := a.s.models.resolve(run, atBest)
	if err != nil || a.added[name] == checkpoint {
		return err
	}
	if a.added[name] != "" {
		a.lib.Remove(name)
		delete(a.added, name)
	}
	open := func(be backend.Backend) (*train.Trained, error) {
		return train.OpenCheckpoint(of, checkpoint, a.s.opt.Models, be)
	}
	if err := a.lib.Add(r.Context(), name, open); err != nil {
		return faultf(http.StatusConflict, "%s", a.s.text(err))
	}
	a.added[name] = checkpoint
	return nil
}

// close drops the models.
func (a *api) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lib == nil {
		return nil
	}
	return a.lib.Close()
}
