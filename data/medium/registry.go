package medium

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// A Kind opens the media of one name.
type Kind struct {
	Name string // of the media
	// Open returns the medium that has been saved with those settings, the JSON of
	// a Medium; {} if it had none.
	Open func(settings json.RawMessage) (Medium, error)
}

// KindOf returns the Kind of a type of media whose settings are its exported fields.
// Unknown fields are errors.
func KindOf[M Medium](name string) Kind {
	return Kind{name, func(settings json.RawMessage) (Medium, error) {
		var m M
		d := json.NewDecoder(bytes.NewReader(settings))
		d.DisallowUnknownFields()
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("medium: settings of medium %s: %w", name, err)
		}
		return m, nil
	}}
}

// A Registry is a table of media by name, filled by explicit calls at the start of a
// program. The zero value is empty and ready for use.
type Registry struct{ kinds []Kind }

// Register adds a kind. It panics if the name is empty or already used, or if Open is
// nil.
func (r *Registry) Register(k Kind) {
	if k.Name == "" || k.Open == nil || slices.Contains(r.Names(), k.Name) {
		panic(fmt.Sprintf("medium: empty or repeated kind %q", k.Name))
	}
	r.kinds = append(r.kinds, k)
}

// Names returns the names in the order of registration.
func (r *Registry) Names() []string {
	names := make([]string, len(r.kinds))
	for i, k := range r.kinds {
		names[i] = k.Name
	}
	return names
}

// A Saved is an Item in its saved form, as in run.json: a field is never renamed.
type Saved struct {
	Medium     string          `json:"medium"` // its name; "" = none
	Shape      []int           `json:"shape"`
	Element    Element         `json:"element"`
	Vocabulary int             `json:"vocabulary,omitempty"`
	Settings   json.RawMessage `json:"settings,omitempty"` // JSON of the Medium, unless it is {}
}

// Save returns the saved form of an item. It fails if the medium is not valid JSON.
func Save(it Item) (Saved, error) {
	s := Saved{Shape: it.Shape, Element: it.Element, Vocabulary: it.Vocabulary}
	if it.Medium == nil {
		return s, nil
	}
	s.Medium = it.Medium.Name()
	settings, err := json.Marshal(it.Medium)
	if err != nil {
		return s, fmt.Errorf("medium: settings of medium %s: %w", s.Medium, err)
	}
	if string(settings) != "{}" {
		s.Settings = settings
	}
	return s, nil
}

// String returns the axes, as Item.String does.
func (s Saved) String() string { return axes(s.Shape) }

// Size returns the number of values, as Item.Size does.
func (s Saved) Size() int { return Item{Shape: s.Shape}.Size() }

// SameShape reports whether two saved items are of the same medium, shape, element and
// vocabulary, as Item.Equal does.
func (s Saved) SameShape(o Saved) bool {
	return s.Medium == o.Medium && slices.Equal(s.Shape, o.Shape) && s.Element == o.Element && s.Vocabulary == o.Vocabulary
}

// Check returns the errors that Item.Check finds without the medium.
func (s Saved) Check() error {
	return Item{Shape: s.Shape, Element: s.Element, Vocabulary: s.Vocabulary}.Check()
}

// Open returns the item that was saved. It fails if no medium of that name is
// registered, or if the item is not valid.
func (r *Registry) Open(s Saved) (Item, error) {
	it := Item{Shape: tensor.Shape(s.Shape).Clone(), Element: s.Element, Vocabulary: s.Vocabulary}
	if s.Medium != "" {
		i := slices.IndexFunc(r.kinds, func(k Kind) bool { return k.Name == s.Medium })
		if i < 0 {
			return Item{}, fmt.Errorf("medium: no medium %q; have %s", s.Medium, strings.Join(r.Names(), ", "))
		}
		settings := s.Settings
		if len(settings) == 0 {
			settings = json.RawMessage("{}")
		}
		var err error
		if it.Medium, err = r.kinds[i].Open(settings); err != nil {
			return Item{}, err
		}
	}
	if err := it.Check(); err != nil {
		return Item{}, fmt.Errorf("medium: %w", err)
	}
	return it, nil
}
