package cli

import "testing"

func TestFileURL(t *testing.T) {
	if got, want := fileURL("/a b/50%?#/é.html"), "file:///a%20b/50%25%3F%23/%C3%A9.html"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
