package fuzzed

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
)

func TestChoices(t *testing.T) {
	c := New([]byte{7, 15, 2, 1, 2})
	if n := c.Below(4); n != 3 {
		t.Errorf("7 below 4 is %d", n)
	}
	if !c.Rarely() {
		t.Error("15 is not rare")
	}
	if v := Of(c, "a", "b", "c"); v != "c" {
		t.Errorf("2 of three is %s", v)
	}
	if b := c.Bytes(3); !bytes.Equal(b, []byte{1, 2, 0}) {
		t.Errorf("bytes are %v", b)
	}
	if n := c.Below(256); n != 0 || c.Rarely() {
		t.Errorf("after the end: %d", n)
	}
}

// TestChange checks that a change reaches all levels of an object, and leaves one that can be written.
func TestChange(t *testing.T) {
	seen := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		object := map[string]any{"a": map[string]any{"b": 1.0}, "c": []any{1.0, map[string]any{"d": "x"}}}
		choices := make([]byte, 8)
		for i := range choices {
			choices[i] = byte(r.Uint32())
		}
		New(choices).Change(object)
		b, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(b)] = true
	}
	for _, want := range []string{`{"c":[1,{"d":"x"}]}`, `{"a":{"b":-1},"c":[1,{"d":"x"}]}`, `{"a":{"b":1},"c":[1,{}]}`, `{"a":{"b":1},"c":[{"d":"x"}]}`} {
		if !seen[want] {
			t.Errorf("%d changes, none gives %s", len(seen), want)
		}
	}
}
