// Package problem writes errors of an HTTP API as problem details (RFC 9457): JSON of the
// media type application/problem+json that names the field, the value and the way out.
//
// A Problem is an error, so a function below a handler returns one with the status that the
// client is to get:
//
//	return problem.New(http.StatusBadRequest, "seed is %q: want a whole number", s).Of("seed", s)
//
// and the handler ends with problem.Write(w, err). An error that is no Problem is a fault of the
// server: Write answers 500 and does not show its text.
//
// The package knows no model and no route.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// MediaType is that of a problem.
const MediaType = "application/problem+json"

// A Problem says why a request has no result. It is an error.
type Problem struct {
	Title  string `json:"title"`            // the name of the status
	Status int    `json:"status"`           // of the response
	Detail string `json:"detail"`           // what is wrong, and what is wanted
	Field  string `json:"field,omitempty"`  // the part of the request that is wrong: "n", "codes[3]", "Host"
	Value  string `json:"value,omitempty"`  // what it was, cut after 100 characters
	Remedy string `json:"remedy,omitempty"` // the way out, where the detail does not say it

	after time.Duration // until a repetition makes sense
}

// New returns a problem of a status; the other arguments are its detail, as of fmt.Sprintf.
func New(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// Of names the field of the request that is wrong, and its value. It returns p.
func (p *Problem) Of(field, value string) *Problem {
	p.Field, p.Value = field, cut(value)
	return p
}

// Do names the way out. It returns p.
func (p *Problem) Do(remedy string) *Problem {
	p.Remedy = remedy
	return p
}

// After says when a repetition makes sense: the response has Retry-After, in whole seconds, at
// least 1. It returns p.
func (p *Problem) After(d time.Duration) *Problem {
	p.after = d
	return p
}

// cut returns the first 100 characters of s, as valid UTF-8.
func cut(s string) string {
	const most = 100
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	if !utf8.ValidString(s) {
		return strconv.QuoteToASCII(s)
	}
	return s
}

// From returns err as a problem: the Problem that it wraps; 413 for a body that was longer than
// its limit (http.MaxBytesError); else 500 without the text of err, which is the server's.
func From(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return TooLong(long.Limit)
	}
	return New(http.StatusInternalServerError, "the server failed to answer; its log says why")
}

// TooLong returns the problem of a body of more bytes than limit.
func TooLong(limit int64) *Problem {
	return New(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", limit).Of("body", "").
		Do("send fewer items in a request")
}

// Write answers a request with From(err).
func Write(w http.ResponseWriter, err error) {
	p := From(err)
	body, fault := json.Marshal(p)
	if fault != nil { // strings and a number are always JSON
		body = []byte("{}")
	}
	h := w.Header()
	h.Del("Etag")
	h.Del("Content-Length")
	h.Set("Content-Type", MediaType)
	h.Set("Cache-Control", "no-store")
	if p.after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(1, math.Ceil(p.after.Seconds())))))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that has gone is no fault of the server
}
