package studio

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/imago-ml/imago/export/browser"
	"github.com/imago-ml/imago/export/page"
)

// A pageModel is what the page was given of a model.
type pageModel struct {
	version string // of the program
	json    []byte
	weights []byte // float32: what a connection within a machine carries costs nothing
	tag     string // of the weights
}

// pageOf returns what the page computes by itself of a model.
func (m *loaded) pageOf() (*pageModel, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.page != nil {
		return m.page, nil
	}
	about, err := page.New(m.Trained)
	if err != nil {
		return nil, faultf(http.StatusConflict, "the page cannot compute this model by itself: %v", err)
	}
	p, err := newPageModel(about.Program)
	if err != nil {
		return nil, err
	}
	if p.json, err = json.Marshal(struct {
		*page.Model
		Version string `json:"version"`
	}{about, p.version}); err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	m.page = p
	return p, nil
}

// newPageModel returns a program's version and weights.
func newPageModel(program *browser.Program) (*pageModel, error) {
	text, err := json.Marshal(program)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	p := &pageModel{version: digest(text), weights: program.Weights(false)}
	p.tag = digest(p.weights)
	return p, nil
}

// digest returns a short name of bytes.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// at returns the model that a request is about.
func (s *Studio) at(r *http.Request) (*runState, *loaded, error) {
	run, err := s.open(r)
	if err != nil {
		return nil, nil, err
	}
	m, err := s.models.open(run, r.URL.Query().Get("at"))
	return run, m, err
}

// getModel answers with what the page needs to compute a model by itself.
func (s *Studio) getModel(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	p, err := m.pageOf()
	if err != nil {
		return err
	}
	if unchanged(w, r, digest(p.json)) {
		return nil
	}
	return writeBytes(w, "application/json", p.json)
}

// getWeights answers with the weights that the program of a model takes.
func (s *Studio) getWeights(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	p, err := m.pageOf()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Imago-Half", "false")
	h.Set("Imago-Step", strconv.FormatInt(m.Step, 10))
	h.Set("Imago-Epoch", strconv.Itoa(m.epoch))
	h.Set("Imago-Version", p.version)
	if unchanged(w, r, p.tag) {
		return nil
	}
	return writeBytes(w, "application/octet-stream", p.weights)
}
