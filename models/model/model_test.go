package model

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// options and sub stand for the configuration of some kind.
type sub struct {
	Layers []int `json:"layers" flag:"layers" help:"sizes"`
}

type options struct {
	sub
	Units  int     `json:"units" flag:"units" help:"how many"`
	Rate   float64 `json:"rate" flag:"rate" help:"how fast"`
	Deep   bool    `json:"deep" flag:"deep" help:"or not"`
	Loss   string  `json:"loss" flag:"loss" help:"which"`
	Hidden int     `json:"hidden"` // saved, not an option
}

func (o *options) Validate() error {
	if o.Units < 1 {
		return fmt.Errorf("test: --units %d: want 1 or more", o.Units)
	}
	return nil
}

func (o *options) New(Input) (*Model, error) { return nil, errors.New("not built here") }

func kind(name string) Kind {
	return Kind{Name: name, Default: func() Config { return &options{sub: sub{[]int{4, 2}}, Units: 3, Rate: 0.5, Loss: "a"} }}
}

func TestFlags(t *testing.T) {
	c := kind("k").Default().(*options)
	flags := Flags(c)
	var names, types, values []string
	for _, f := range flags {
		names, types, values = append(names, f.Name), append(types, f.Type()), append(values, f.String())
	}
	if got := fmt.Sprint(names, types, values); got != "[layers units rate deep loss] [ints int float bool string] [4,2 3 0.5 false a]" {
		t.Fatalf("options are %s", got)
	}
	for i, v := range []string{"8, 4,2", "-7", "1e-3", "true", "b"} {
		if err := flags[i].Set(v); err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprintf("%+v", *c); got != "{sub:{Layers:[8 4 2]} Units:-7 Rate:0.001 Deep:true Loss:b Hidden:0}" {
		t.Errorf("after setting all: %s", got)
	}
	for i, bad := range []string{"8,,2", "2.5", "fast", "maybe"} {
		err := flags[i].Set(bad)
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("model: %s %q: want ", flags[i].Field, bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got := fmt.Sprintf("%+v", *c); got != "{sub:{Layers:[8 4 2]} Units:-7 Rate:0.001 Deep:true Loss:b Hidden:0}" {
		t.Errorf("a refused value changed it: %s", got)
	}
	if s := new(Flag).String(); s != "" {
		t.Errorf("a zero Flag is %q", s)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	k := kind("k")
	c, err := k.Decode([]byte(`{"units": 9, "layers": [1]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", *c.(*options)); got != "{sub:{Layers:[1]} Units:9 Rate:0.5 Deep:false Loss:a Hidden:0}" {
		t.Errorf("decoded %s", got)
	}
	for in, want := range map[string]string{
		`{"unit": 9}`:       `unknown field "unit"`,
		`{"units": 0}`:      "test: --units 0: want 1 or more",
		`{"units": "many"}`: "cannot unmarshal",
		`{"units": 9} {}`:   "more follows",
		`{"units": 9`:       "unexpected EOF",
	} {
		if _, err := k.Decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	if d := k.Default().(*options); d.Layers[0] != 4 {
		t.Errorf("decoding changed the default: %+v", d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"units": 9, "layers": [1]}`))
	f.Add([]byte(`{"layers": null, "rate": 1e999}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := kind("k").Decode(b)
		if (c == nil) == (err == nil) {
			t.Errorf("%q: %v and %v", b, c, err)
		}
		if err == nil && c.Validate() != nil {
			t.Errorf("%q: an invalid %+v was decoded", b, c)
		}
	})
}

func TestRegistry(t *testing.T) {
	var r Registry
	r.Register(kind("one"), Recipe{Name: "uno", Kind: "one"}, Recipe{Name: "eins", Kind: "one", Config: `{"units": 8}`})
	r.Register(kind("two"))
	if _, err := r.Kind("three"); err == nil || err.Error() != `model: no kind "three"; have one, two` {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := r.Recipe("drei"); err == nil || err.Error() != `model: no recipe "drei"; have uno, eins` {
		t.Errorf("unknown recipe: %v", err)
	}
	for name, units := range map[string]int{"uno": 3, "eins": 8} {
		rec, err := r.Recipe(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Config(rec)
		if err != nil || c.(*options).Units != units {
			t.Errorf("%s: %+v, %v; want %d units", name, c, err, units)
		}
	}
	if len(r.Kinds()) != 2 || len(r.Recipes()) != 2 {
		t.Errorf("%d kinds, %d recipes; want 2 and 2", len(r.Kinds()), len(r.Recipes()))
	}
	for name, register := range map[string]func(){
		"repeated kind":   func() { r.Register(kind("one")) },
		"no name":         func() { r.Register(kind("")) },
		"no default":      func() { r.Register(Kind{Name: "x"}) },
		"repeated recipe": func() { r.Register(kind("a"), Recipe{Name: "uno", Kind: "a"}) },
		"misplaced":       func() { r.Register(kind("b"), Recipe{Name: "b", Kind: "one"}) },
		"bad config":      func() { r.Register(kind("c"), Recipe{Name: "c", Kind: "c", Config: `{"units": 0}`}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			register()
		}()
	}
}
