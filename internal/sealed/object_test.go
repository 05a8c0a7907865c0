package sealed

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestSeal checks that an object comes back as it was, whatever is changed about its white space, and that a changed bit
// of it is found.
func TestSeal(t *testing.T) {
	object := []byte(`{"a":[1,2],"sha256":"of something","b":"<\u00e9>\u2028"}`)
	text, err := Seal(object)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n  "))} {
		if got, sum := Unseal(b); !bytes.Equal(got, object) || sum != Sum(object) {
			t.Errorf("%s of %s", got, b)
		}
	}
	for i := range text {
		b := slices.Clone(text)
		b[i] ^= 1 << (i % 8)
		if got, sum := Unseal(b); sum != "" && sum == Sum(got) && !bytes.Equal(got, object) {
			t.Errorf("byte %d: %s", i, got)
		}
	}
	for _, plain := range []string{`{"a":1}`, `{}`, `[]`, `{"x":{"a":1,"sha256":"` + Sum(nil) + `"}}`, `{"sha256":"` + Sum(nil) + `"}`, "no JSON", ""} {
		if got, sum := Unseal([]byte(plain)); sum != "" || string(got) != plain {
			t.Errorf("%s has no checksum: %s, %q", plain, got, sum)
		}
	}
	for _, bad := range []string{`{}`, `[1]`, `7`, `{`} {
		if _, err := Seal([]byte(bad)); err == nil {
			t.Errorf("%s is sealed", bad)
		}
	}
}

// FuzzUnseal checks that any text is read, and that what is read with its own checksum is read again from what Seal makes
// of it.
func FuzzUnseal(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a": "\u2028<", "b":[{"sha256":""}]}`} {
		b, err := Seal([]byte(seed))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add([]byte(strings.TrimSpace(seed)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		object, sum := Unseal(b)
		if !json.Valid(b) || sum == "" || sum != Sum(object) {
			return
		}
		text, err := Seal(object)
		if err != nil {
			t.Fatalf("%q is read, and cannot be sealed: %v", object, err)
		}
		if again, s := Unseal(text); !bytes.Equal(again, object) || s != sum {
			t.Errorf("%q became %q", object, again)
		}
	})
}
