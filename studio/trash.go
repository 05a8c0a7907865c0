package studio

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/screen"
)

// What is deleted is moved: to a folder of the studio, by a token, beside a file that says what it was. It is gone after a day, or when
// the studio ends in order.
const (
	trashFolder = "trash"
	trashAge    = 24 * time.Hour
	trashFile   = ".json" // after the token
)

// A trashed says what lies in the trash.
type trashed struct {
	ID   string    `json:"id"`
	When time.Time `json:"when"`
	Note *note     `json:"note,omitempty"`
}

// deleteRun moves a run to the trash.
func (s *Studio) deleteRun(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		if s.dropJob(r.PathValue("id")) { // it has not begun: there is nothing to bring back
			return writeJSON(w, map[string]string{"undo": ""})
		}
		return err
	}
	unlock, err := s.free(run)
	if err != nil {
		return err
	}
	defer unlock()
	s.dropJob(run.id)
	token := strings.ToLower(rand.Text())
	what := trashed{ID: run.id, When: time.Now().UTC()}
	if n, ok := s.noteOf(run.id); ok {
		what.Note = &n
	}
	b, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	trash := s.own.Sub(trashFolder)
	if err := trash.MkdirAll("."); err != nil {
		return err
	}
	if err := atomicfile.WriteBytesIn(trash, token+trashFile, b); err != nil {
		return err
	}
	if err := s.folder.Rename(run.id, path.Join(ownFolder, trashFolder, token)); err != nil {
		return errors.Join(err, trash.Remove(token+trashFile))
	}
	s.forget(run.id)
	s.events.send(event{Type: "removed", ID: run.id})
	return writeJSON(w, map[string]string{"undo": token})
}

// free returns the lock of a run that is neither a part of imago nor being trained.
func (s *Studio) free(run *runState) (unlock func(), err error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	switch {
	case run.fixed:
		return nil, faultf(http.StatusConflict, "%s is a part of imago, and cannot be changed", run.id)
	case run.active || s.queue.stateOf(run.id) == jobRunning:
		return nil, faultf(http.StatusConflict, "%s is being trained: stop it first", run.id)
	}
	release, err := run.folder.Lock(".lock")
	if err != nil {
		return nil, faultf(http.StatusConflict, "%s is in use by another process: %v", run.id, cause(err))
	}
	return func() { release() }, nil
}

// dropJob removes the job of a run that waits or is paused, and reports whether there was one.
func (s *Studio) dropJob(id string) bool {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if j := q.openJob(id); j != nil && j.State != jobRunning {
		q.jobs = slices.DeleteFunc(q.jobs, func(o *job) bool { return o == j })
		j.State = jobDone
		q.changed(j)
		return true
	}
	return false
}

// forget removes what is known of a run that is gone.
func (s *Studio) forget(id string) {
	s.mu.Lock()
	delete(s.runs, id)
	s.mu.Unlock()
	_ = s.changeNotes(func(notes map[string]note) { delete(notes, id) }) // a note too many is in nobody's way
	s.models.drop(id)
}

// undo moves what was deleted back.
func (s *Studio) undo(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if !validID(token) {
		return faultf(http.StatusNotFound, "there is nothing to undo")
	}
	trash := s.own.Sub(trashFolder)
	what, err := s.trashed(token)
	if err != nil {
		return faultf(http.StatusNotFound, "there is nothing to undo any more")
	}
	if !validID(what.ID) {
		return faultf(http.StatusConflict, "what was deleted had no name of a run")
	}
	if has, err := s.folder.Exists(what.ID); has || err != nil {
		return faultf(http.StatusConflict, "there is another run %s by now: rename it, and undo again", what.ID)
	}
	if err := s.folder.Rename(path.Join(ownFolder, trashFolder, token), what.ID); err != nil {
		return err
	}
	_ = trash.Remove(token + trashFile) // it says of nothing any more
	if what.Note != nil {
		if err := s.changeNotes(func(notes map[string]note) { notes[what.ID] = *what.Note }); err != nil {
			return err
		}
	}
	return s.writeSummary(w, what.ID)
}

// trashed returns what was deleted under a token.
func (s *Studio) trashed(token string) (what trashed, err error) {
	b, err := s.own.Sub(trashFolder).ReadFile(token+trashFile, 1<<20)
	if err == nil {
		err = json.Unmarshal(b, &what)
	}
	return what, err
}

// emptyTrash removes what was deleted longer ago than an age. Of what it is not known when, it is left.
func (s *Studio) emptyTrash(age time.Duration) {
	trash := s.own.Sub(trashFolder)
	entries, err := trash.ReadDir(".")
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.logf("the trash cannot be emptied: %s", s.text(err))
		}
		return
	}
	for _, e := range entries {
		token, is := strings.CutSuffix(e.Name(), trashFile)
		if !is || !validID(token) {
			continue
		}
		what, err := s.trashed(token)
		if err == nil && what.When.IsZero() {
			err = errors.New("it does not say when it was deleted")
		}
		if err != nil {
			s.logf("a deleted run is left in the trash: %s: %s; remove %s and %s by hand", trash.Path(e.Name()), s.text(err), trash.Path(token), trash.Path(e.Name()))
			continue
		}
		if time.Since(what.When) < age {
			continue
		}
		if err := errors.Join(trash.RemoveAll(token), trash.RemoveAll(e.Name())); err != nil {
			s.logf("the trash cannot be emptied: %s", s.text(err))
		}
	}
}

// putRun gives a run another name, tags or a note.
func (s *Studio) putRun(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name *string   `json:"name"`
		Tags *[]string `json:"tags"`
		Note *string   `json:"note"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	run, err := s.open(r)
	if err != nil {
		return err
	}
	id := run.id
	n, _ := s.noteOf(id)
	if body.Tags != nil {
		if n.Tags, err = cleanTags(*body.Tags); err != nil {
			return err
		}
	}
	if body.Note != nil {
		if n.Note = *body.Note; len(n.Note) > mostNote {
			return fieldError("note", "the note is longer than %d bytes", mostNote)
		}
	}
	if body.Name != nil && *body.Name != id {
		if err := s.rename(run, *body.Name); err != nil {
			return err
		}
		id = *body.Name
	}
	if err := s.changeNotes(func(notes map[string]note) {
		if len(n.Tags) == 0 && n.Note == "" {
			delete(notes, id)
			return
		}
		notes[id] = n
	}); err != nil {
		return err
	}
	return s.writeSummary(w, id)
}

const (
	mostNote = 20000
	mostTags = 20
	mostTag  = 50
)

// cleanTags returns tags without those that are twice there, in their order.
func cleanTags(tags []string) ([]string, error) {
	clean := []string{}
	for _, t := range tags {
		t = strings.TrimSpace(t)
		if t == "" || slices.Contains(clean, t) {
			continue
		}
		if len(t) > mostTag || screen.Text(t) != t || strings.ContainsAny(t, "\n\t") {
			return nil, fieldError("tags", "the tag %q: want at most %d characters that can be seen", t, mostTag)
		}
		clean = append(clean, t)
	}
	if len(clean) > mostTags {
		return nil, fieldError("tags", "%d tags: want %d at most", len(clean), mostTags)
	}
	return clean, nil
}

// rename gives the folder of a run another name.
func (s *Studio) rename(run *runState, to string) error {
	if err := s.checkName(to); err != nil {
		return err
	}
	if s.queue.stateOf(run.id) != "" {
		return faultf(http.StatusConflict, "%s waits to be trained: remove it from the queue first", run.id)
	}
	unlock, err := s.free(run)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.folder.Rename(run.id, to); err != nil {
		return err
	}
	s.forget(run.id)
	s.events.send(event{Type: "removed", ID: run.id})
	return nil
}
