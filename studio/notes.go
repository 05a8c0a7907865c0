package studio

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/imago-ml/imago/internal/atomicfile"
)

// A note is what a person has written to a run.
type note struct {
	Tags []string `json:"tags"`
	Note string   `json:"note"`
}

// notesFile has the notes of all runs, by their ids.
const notesFile = "notes.json"

// mostNotes bounds the bytes of the file.
const mostNotes = 16 << 20

// readNotes reads the notes. A file that cannot be read is an error: it would be replaced.
func (s *Studio) readNotes() error {
	s.notes = map[string]note{}
	b, err := s.own.ReadFile(notesFile, mostNotes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &s.notes)
	}
	if s.notes == nil { // the file is null
		s.notes = map[string]note{}
	}
	if err != nil {
		return fmt.Errorf("studio: %s: %w; mend it, or move it away: it has the tags and notes of the runs", s.own.Path(notesFile), err)
	}
	return nil
}

// noteOf returns the note of a run.
func (s *Studio) noteOf(id string) (note, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.notes[id]
	if n.Tags == nil {
		n.Tags = []string{}
	}
	return n, ok
}

// changeNotes changes the notes and writes them.
func (s *Studio) changeNotes(change func(notes map[string]note)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.notes)
	b, err := json.MarshalIndent(s.notes, "", "  ")
	if err == nil {
		err = atomicfile.WriteBytesIn(s.own, notesFile, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	return nil
}
