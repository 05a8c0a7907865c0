package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// What stands around the checksum at the end of an object without white space.
const (
	before = `,"sha256":"`
	after  = `"}`
)

// Seal returns a JSON object with one more member at its end, sha256: that of the object without white space. The result
// is indented for people. The object must have a member.
func Seal(object []byte) ([]byte, error) {
	var text, out bytes.Buffer
	if err := json.Compact(&text, object); err != nil {
		return nil, err
	}
	b := text.Bytes()
	if len(b) < 3 || b[0] != '{' {
		return nil, fmt.Errorf("%.40s: want an object with a member", b)
	}
	sealed := fmt.Appendf(nil, "%s%s%s%s", b[:len(b)-1], before, Sum(b), after)
	if err := json.Indent(&out, sealed, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Sum returns the checksum of bytes, in hex.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Unseal returns a JSON object without its last member sha256 and without white space, and what that member says: "" if
// there is none, as in files of earlier versions; the text itself then. It is the object that Seal was given if
// sum == Sum(object).
func Unseal(text []byte) (object []byte, sum string) {
	var c bytes.Buffer
	if json.Compact(&c, text) != nil {
		return text, ""
	}
	b := c.Bytes()
	at := len(b) - len(before) - hex.EncodedLen(sha256.Size) - len(after)
	if at < 1 || string(b[at:at+len(before)]) != before || string(b[len(b)-len(after):]) != after {
		return text, ""
	}
	sum = string(b[at+len(before) : len(b)-len(after)])
	if bytes.ContainsAny([]byte(sum), `"\\`) { // a field of another place
		return text, ""
	}
	return append(bytes.Clone(b[:at]), '}'), sum
}
