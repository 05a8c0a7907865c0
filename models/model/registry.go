package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

// A Config is all that sets one model of a kind apart from another. It is a
// pointer to a struct with JSON names, saved beside every checkpoint, so a field
// is never renamed. Its fields with a flag tag are options: see Flags.
type Config interface {
	// Validate reports every fault, one a line, each with the option, its value
	// and the way out.
	Validate() error
	// New builds the model for such data. It fails where Validate does, and where
	// the data do not suit.
	New(in Input) (*Model, error)
}

// A Kind is a family of models that share a Config.
type Kind struct {
	Name    string
	About   string        // one line
	Default func() Config // fresh at each call
}

// Decode reads a Config from its JSON: a field left out keeps its default, an
// unknown field or a bad value is an error.
func (k Kind) Decode(b []byte) (Config, error) {
	c := k.Default()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("model: config of %s: %w", k.Name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("model: config of %s: offset %d: more follows the object", k.Name, d.InputOffset())
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// A Recipe is a published setting under a name: a kind, what of its
// configuration differs from the default, and how it is trained.
type Recipe struct {
	Name   string
	About  string // one line
	Kind   string
	Config string // JSON, of the fields that differ; may be empty
	Train  Training
	// Image is the rows, columns and channels of the images that the recipe is published
	// for; zero is UsualImage.
	Image [3]int
}

// UsualImage is the shape of the images that most recipes are published for: that of
// MNIST.
var UsualImage = [3]int{28, 28, 1}

// PublishedImage returns the rows, columns and channels of the images that the recipe is
// published for.
func (r Recipe) PublishedImage() [3]int {
	if r.Image == [3]int{} {
		return UsualImage
	}
	return r.Image
}

// Training is how a recipe is trained unless told otherwise.
type Training struct {
	Epochs       int
	Steps        int // updates in all; 0 = by Epochs
	LogSteps     int // a line, and images of one noise, every so many updates; 0 = each epoch
	Batch        int // images a step
	LearningRate float64
	Schedule     string // of the learning rate: text of optim.ParseSchedule; "" = constant
	Shift        int    // pixels that images are moved by at most, to augment them; of melodies semitones
}

// A Registry is a table of kinds and recipes, and of the media that saved runs are of, filled by explicit calls in
// package cli. The zero value is empty and ready.
type Registry struct {
	Media   medium.Registry
	kinds   []Kind
	recipes []Recipe
}

// Register adds a kind and its recipes. It panics on a name that is empty or
// taken, and on a recipe that does not give a valid configuration.
func (r *Registry) Register(k Kind, recipes ...Recipe) {
	if _, err := r.Kind(k.Name); err == nil || k.Name == "" || k.Default == nil {
		panic("model: empty or repeated kind " + k.Name)
	}
	r.kinds = append(r.kinds, k)
	for _, rec := range recipes {
		if _, err := r.Recipe(rec.Name); err == nil || rec.Name == "" || rec.Kind != k.Name {
			panic("model: empty, repeated or misplaced recipe " + rec.Name)
		}
		r.recipes = append(r.recipes, rec)
		if _, err := r.Config(rec); err != nil {
			panic("model: recipe " + rec.Name + ": " + err.Error())
		}
	}
}

// Kinds returns the kinds in order of registration.
func (r *Registry) Kinds() []Kind { return r.kinds }

// Recipes returns the recipes in order of registration.
func (r *Registry) Recipes() []Recipe { return r.recipes }

// Kind returns the kind of that name; the error lists the known ones.
func (r *Registry) Kind(name string) (Kind, error) {
	var known []string
	for _, k := range r.kinds {
		if k.Name == name {
			return k, nil
		}
		known = append(known, k.Name)
	}
	return Kind{}, fmt.Errorf("model: no kind %q%s; have %s", name, data.DidYouMean(name, known), strings.Join(known, ", "))
}

// Recipe returns the recipe of that name; the error lists the known ones.
func (r *Registry) Recipe(name string) (Recipe, error) {
	var known []string
	for _, rec := range r.recipes {
		if rec.Name == name {
			return rec, nil
		}
		known = append(known, rec.Name)
	}
	return Recipe{}, fmt.Errorf("model: no recipe %q%s; have %s", name, data.DidYouMean(name, known), strings.Join(known, ", "))
}

// Config returns the configuration of a recipe, to be changed by Flags as one likes.
func (r *Registry) Config(rec Recipe) (Config, error) {
	k, err := r.Kind(rec.Kind)
	if err != nil {
		return nil, err
	}
	if rec.Config == "" {
		return k.Decode([]byte("{}"))
	}
	return k.Decode([]byte(rec.Config))
}
