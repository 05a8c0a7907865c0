package data

import (
	"fmt"

	"github.com/imago-ml/imago/internal/option"
)

// An Origin says where an item comes from.
type Origin struct {
	// File is the path of the item's file below the folder or in the zip, or the name
	// of the array or part that holds it; "" = the only file of the set, or none.
	File string
	// Row is the number of the item in its file, or in its part of a drawn set, from 0.
	Row int
	// Line is the line of a text file at which the item begins, from 1; 0 = it is no
	// line of a text.
	Line int
	// Alone says that the item is all of File, as a picture is: Row means nothing.
	Alone bool
}

// String returns the file of an item that has one of its own, else its row: "a.png",
// "row 400", "row 400 (line 402)", "x_test row 3".
func (o Origin) String() string {
	switch {
	case o.Alone:
		return o.File
	case o.Line > 0:
		return fmt.Sprintf("row %d (line %d)", o.Row, o.Line)
	case o.File != "":
		return fmt.Sprintf("%s row %d", o.File, o.Row)
	}
	return fmt.Sprintf("row %d", o.Row)
}

// Origins say of the N items of a split where each comes from. The zero value says that
// item i is row i of the only file.
type Origins struct {
	Files []string // (N), or nil
	Alone bool     // each item is all of its file
	Rows  []int32  // (N), or nil: item i is row i
	Lines []int32  // (N), or nil: no text file

	// Together says that the items of a file belong together, as the bars of a tune do: all
	// are in the same part of a set.
	Together bool
}

// Origin says where item i comes from. It panics, as a slice does, if i is outside
// [0, N) and the split says where its items come from.
func (s Split) Origin(i int) Origin {
	o := Origin{Row: i, Alone: s.Origins.Alone}
	if s.Origins.Files != nil {
		o.File = s.Origins.Files[i]
	}
	if s.Origins.Rows != nil {
		o.Row = int(s.Origins.Rows[i])
	}
	if s.Origins.Lines != nil {
		o.Line = int(s.Origins.Lines[i])
	}
	return o
}

// Only returns the origins of the items of those indices. It panics, as a slice does, if
// one is outside [0, N) and the origins say where the items come from.
func (o Origins) Only(index []int) Origins {
	out := Origins{Alone: o.Alone, Together: o.Together}
	for _, i := range index {
		if o.Files != nil {
			out.Files = append(out.Files, o.Files[i])
		}
		row := int32(i)
		if o.Rows != nil {
			row = o.Rows[i]
		}
		out.Rows = append(out.Rows, row)
		if o.Lines != nil {
			out.Lines = append(out.Lines, o.Lines[i])
		}
	}
	return out
}

// A Note is something that a person should know about a set before a model is trained on
// it.
type Note struct {
	Text    string `json:"text"`              // a sentence without a full stop, which begins with what it is about
	Warning bool   `json:"warning,omitempty"` // the set may not be what the person means

	marked *option.Error // the text with its names of options marked; nil once they are named
}

// Named returns the note with each option that it speaks of, such as Range, named by name.
func (n Note) Named(name func(field string) string) Note {
	if n.marked == nil {
		return n
	}
	return Note{Text: n.marked.Text(name), Warning: n.Warning}
}

// note returns a note; names of options are in braces, as in option.Errorf.
func note(warning bool, format string, args []any) Note {
	marked := option.Errorf(format, args...)
	return Note{marked.Error(), warning, marked}
}

// Tell adds a note that informs, such as the range of a column. Names of options stand in
// braces, as {Range}.
func (s *Set) Tell(format string, args ...any) {
	s.Notes = append(s.Notes, note(false, format, args))
}

// Warn adds a note that the set may not be what the person means, such as files that
// were left out or a column of one value.
func (s *Set) Warn(format string, args ...any) {
	s.Notes = append(s.Notes, note(true, format, args))
}
