package studio

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A contract is the types of api.ts by their names.
type contract map[string]string

// readContract reads the types of api.ts.
func readContract(t *testing.T) contract {
	t.Helper()
	b, err := os.ReadFile("web/src/api.ts")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`//[^\n]*`).ReplaceAllString(string(b), "")
	types := contract{}
	for _, m := range regexp.MustCompile(`export interface (\w+)( extends (\w+))? \{`).FindAllStringSubmatchIndex(text, -1) {
		name := text[m[2]:m[3]]
		body := block(text[m[1]-1:])
		if m[6] >= 0 {
			body = "{" + types[text[m[6]:m[7]]][1:len(types[text[m[6]:m[7]]])-1] + ";" + body[1:]
		}
		types[name] = body
	}
	for _, m := range regexp.MustCompile(`export type (\w+) =([^;{]|\{[^}]*(\{[^}]*\}[^}]*)*\})*;`).FindAllString(text, -1) {
		name, body, _ := strings.Cut(strings.TrimPrefix(m, "export type "), "=")
		types[strings.TrimSpace(name)] = strings.TrimSuffix(strings.TrimSpace(body), ";")
	}
	if len(types) < 20 {
		t.Fatalf("%d types in api.ts: %v", len(types), slices.Sorted(maps.Keys(types)))
	}
	return types
}

// block returns the text from a brace to its end.
func block(text string) string {
	depth := 0
	for i, r := range text {
		switch r {
		case '{', '[', '(', '<':
			depth++
		case '}', ']', ')', '>':
			if depth--; depth == 0 {
				return text[:i+1]
			}
		}
	}
	return text
}

// split returns the parts of a text between separators that are in no brackets.
func split(text, separators string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range text {
		switch {
		case strings.ContainsRune("{[(<", r):
			depth++
		case strings.ContainsRune("}])>", r):
			depth--
		case depth == 0 && strings.ContainsRune(separators, r):
			parts = append(parts, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return slices.DeleteFunc(append(parts, strings.TrimSpace(text[from:])), func(s string) bool { return s == "" })
}

// check returns an error unless a value of JSON is of a type: an object has its fields and no others.
func (c contract) check(kind string, v any, at string) error {
	kind = strings.TrimSpace(kind)
	if body, ok := c[kind]; ok {
		return c.check(body, v, at)
	}
	if alternatives := split(kind, "|"); len(alternatives) > 1 || strings.HasPrefix(kind, "|") {
		var last error
		for _, a := range alternatives {
			if last = c.check(a, v, at); last == nil {
				return nil
			}
		}
		if o, ok := v.(map[string]any); ok && o["type"] != nil {
			return fmt.Errorf("%s is no event of %v", at, o)
		}
		return last
	}
	wrong := fmt.Errorf("%s is %.80v, want %s", at, v, kind)
	switch {
	case kind == "unknown":
		return nil
	case strings.HasSuffix(kind, "[]"):
		list, ok := v.([]any)
		if !ok {
			return wrong
		}
		for i, e := range list {
			if err := c.check(kind[:len(kind)-2], e, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(kind, "("):
		return c.check(kind[1:len(kind)-1], v, at)
	case strings.HasPrefix(kind, "["):
		list, ok := v.([]any)
		parts := split(kind[1:len(kind)-1], ",")
		if !ok || len(list) != len(parts) {
			return wrong
		}
		for i, p := range parts {
			if err := c.check(p, list[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(kind, "Record<string,"):
		object, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		for name, e := range object {
			if err := c.check(kind[len("Record<string,"):len(kind)-1], e, at+"."+name); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(kind, "{"):
		return c.checkObject(kind, v, at)
	case strings.HasPrefix(kind, `"`):
		if v != strings.Trim(kind, `"`) {
			return wrong
		}
		return nil
	}
	ok := false
	switch kind {
	case "string":
		_, ok = v.(string)
	case "number":
		_, ok = v.(float64)
	case "boolean":
		_, ok = v.(bool)
	case "null":
		ok = v == nil
	}
	if !ok {
		return wrong
	}
	return nil
}

// checkObject checks an object of a type in braces.
func (c contract) checkObject(kind string, v any, at string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s is %.80v, want an object", at, v)
	}
	known := map[string]bool{}
	for _, field := range split(kind[1:len(kind)-1], ";\n") {
		name, of, _ := strings.Cut(field, ":")
		name, optional := strings.CutSuffix(strings.TrimSpace(name), "?")
		known[name] = true
		e, has := object[name]
		if !has {
			if optional {
				continue
			}
			return fmt.Errorf("%s lacks %s", at, name)
		}
		if err := c.check(of, e, at+"."+name); err != nil {
			return err
		}
	}
	for name := range object {
		if !known[name] && name != "event id" {
			return fmt.Errorf("%s has %s, which api.ts has not", at, name)
		}
	}
	return nil
}

// TestContract checks that what the server answers is what api.ts says, in each field.
func TestContract(t *testing.T) {
	types := readContract(t)
	folder := t.TempDir()
	trained(t, folder, "first", "mlp-vae", 3)
	trained(t, folder, "adversarial", "dense-gan", 2)
	if err := os.MkdirAll(folder+"/bad", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/bad/run.json", []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	c := openPage(t, folder, func(o *Options) {
		o.Options = func(string) ([]Option, error) {
			return []Option{{Name: "latent", Type: "int", Values: []string{"1"}}, {Name: "beta", Type: "float"}}, nil
		}
	})
	check := func(kind, method, path string, body any) {
		t.Helper()
		var v any
		if err := json.Unmarshal(c.want(200, method, path, body), &v); err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		if err := types.check(kind, v, path); err != nil {
			t.Error(err)
		}
	}
	check("Studio", "GET", "/api/studio", nil)
	check("RunSummary[]", "GET", "/api/runs", nil)
	for _, id := range []string{"zoo:cnn-vae", "zoo:face-vae", "zoo%3Acvae", "first", "adversarial", "bad"} {
		check("Run", "GET", "/api/runs/"+id, nil)
		check("Curves", "GET", "/api/runs/"+id+"/curves", nil)
	}
	var run Run
	c.read("/api/runs/first", &run)
	if len(run.Checkpoints) == 0 {
		t.Fatal("no checkpoints")
	}
	for _, id := range []string{"zoo:cnn-vae", "zoo:face-vae", "zoo:cvae", "first", "adversarial"} {
		check("Model", "GET", "/api/runs/"+id+"/model", nil)
	}
	check("Model", "GET", "/api/runs/first/model?at="+run.Checkpoints[0].Name, nil)
	check("Run", "GET", "/api/runs/first?at="+run.Checkpoints[0].Name, nil)
	check("Direction[]", "GET", "/api/runs/zoo:cnn-vae/directions", nil)
	check("Judge", "GET", "/api/runs/zoo:cnn-vae/judge", nil)
	check("Judge", "GET", "/api/runs/adversarial/judge", nil)
	check("Job[]", "GET", "/api/jobs", nil)
	check("Recipe[]", "GET", "/api/recipes", nil)
	check("Option[]", "GET", "/api/options?recipe=cnn-vae", nil)
	check("DataSet[]", "GET", "/api/data", nil)
	check("DataSet", "POST", "/api/data/upload?name=t.csv", []byte("a,b\n1,2\n3,4\n5,6\n7,8\n"))
	check("{path: string; parent: string | null; entries: {name: string; folder: boolean; bytes: number}[]; more: number}", "GET", "/api/browse", nil)
	check("RunSummary", "PUT", "/api/runs/first", map[string]any{"name": "renamed", "tags": []string{"a", "a", "b"}, "note": "n"})
	var undo struct{ Undo string }
	if err := json.Unmarshal(c.want(200, "DELETE", "/api/runs/renamed", nil), &undo); err != nil {
		t.Fatal(err)
	}
	c.want(404, "GET", "/api/runs/renamed", nil)
	check("RunSummary", "POST", "/api/undo/"+undo.Undo, nil)
	var back Run
	c.read("/api/runs/renamed", &back)
	if fmt.Sprint(back.Tags) != "[a b]" || back.Note != "n" || back.State != stateComplete || back.Epoch != 3 {
		t.Errorf("what came back is %+v", back.RunSummary)
	}
	_, png, _ := c.ask("GET", "/api/runs/zoo:cnn-vae/samples.png?n=1", nil)
	check("Own", "POST", "/api/runs/zoo:cnn-vae/own", png)
	look := c.want(200, "GET", lookAt(c, folder+"/.studio/uploads/t.csv"), nil)
	var v any
	if err := json.Unmarshal(look, &v); err != nil {
		t.Fatal(err)
	}
	if err := types.check("Look", v, "look"); err != nil {
		t.Error(err)
	}
}

// lookAt returns the address of a look at data that has been taken.
func lookAt(c *client, source string) string {
	path := "/api/data/look?source=" + source
	for {
		if status, _, _ := c.ask("GET", path, nil); status != 202 {
			return path
		}
	}
}

// TestBrokenContract checks that the checker finds what is wrong.
func TestBrokenContract(t *testing.T) {
	types := readContract(t)
	good := func() map[string]any {
		return map[string]any{"name": "a", "epoch": 1.0, "step": 2.0, "when": 3.0, "best": true, "bytes": 4.0}
	}
	if err := types.check("Checkpoint", good(), "x"); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(map[string]any){
		"x lacks when":    func(m map[string]any) { delete(m, "when") },
		"x has more":      func(m map[string]any) { m["more"] = 1.0 },
		"x.best is":       func(m map[string]any) { m["best"] = "yes" },
		"x.name is <nil>": func(m map[string]any) { m["name"] = nil },
	} {
		m := good()
		change(m)
		if err := types.check("Checkpoint", m, "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
