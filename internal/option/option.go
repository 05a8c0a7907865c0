// Package option describes options of a configuration once, as tagged fields of a
// struct, and words errors about them.
//
// A library speaks of fields and values: "Latent 0: want 1 to 65536". A command
// line speaks of flags: "--latent 0: want 1 to 65536". Errorf marks the names of
// fields in a message with braces, and Text writes the message for either reader.
//
// The package knows no option and no command.
package option

import (
	"fmt"
	"regexp"
	"strings"
)

// An Error is a message that names fields of a configuration.
type Error struct {
	text string // the names in braces: {Latent}
	err  error  // of fmt.Errorf: it wraps what %w names
}

// Errorf returns an Error. In format, {Latent} is the name of a field; arguments
// and %w are as in fmt.Errorf. An argument's text is not searched for names.
func Errorf(format string, args ...any) *Error {
	marked := names.ReplaceAllString(format, mark+"$1"+mark)
	err := fmt.Errorf(marked, args...)
	return &Error{text: err.Error(), err: err}
}

// mark surrounds a name of a field inside the text of an Error; it cannot be typed.
const mark = "\x00"

var (
	names  = regexp.MustCompile(`\{([A-Z][A-Za-z0-9]*)\}`)
	marked = regexp.MustCompile(mark + `([^` + mark + `]*)` + mark)
)

// Error returns the message with the names of the fields as they are.
func (e *Error) Error() string { return e.Text(func(field string) string { return field }) }

// Unwrap returns an error that wraps what each %w names.
func (e *Error) Unwrap() error { return e.err }

// Text returns the message with each field named by name.
func (e *Error) Text(name func(field string) string) string {
	return marked.ReplaceAllStringFunc(e.text, func(s string) string { return name(strings.Trim(s, mark)) })
}

// Text returns the message of any error, in which the messages of all Errors that it
// wraps or joins, and of other errors that have a method Text, name fields by name.
func Text(err error, name func(field string) string) string {
	text := err.Error()
	var walk func(err error)
	walk = func(err error) {
		if e, ok := err.(interface {
			error
			Text(name func(field string) string) string
		}); ok {
			text = strings.Replace(text, e.Error(), e.Text(name), 1)
		}
		switch u := err.(type) {
		case interface{ Unwrap() error }:
			if inner := u.Unwrap(); inner != nil {
				walk(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range u.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
	return text
}
