package runlog

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Fields returns the fields of a valid configuration as text, by their names in run.json: one
// of an object has the name of the object and a point before its own, as model.latent. Text
// is without quotes, a list is its JSON. Fields that run.json leaves out are missing.
func (c *Config) Fields() map[string]string {
	fields := map[string]string{}
	b, err := c.Encode("")
	if err == nil {
		flatten(fields, "", b)
	}
	return fields
}

// flatten adds the value in b to fields, by its name.
func flatten(fields map[string]string, name string, b []byte) {
	b = bytes.TrimSpace(b)
	switch b[0] {
	case '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) == nil {
			for own, value := range object {
				flatten(fields, strings.TrimPrefix(name+"."+own, "."), value)
			}
		}
	case '"':
		var text string
		if json.Unmarshal(b, &text) == nil {
			fields[name] = text
		}
	default:
		fields[name] = string(b)
	}
}
