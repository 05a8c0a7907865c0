package studio

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// An Option is an option of training, as a form shows it.
type Option struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"` // int, float, bool, string or ints
	Help    string   `json:"help"`
	Default string   `json:"default"`
	Group   string   `json:"group"`
	Values  []string `json:"values"` // of which one is to be chosen; nil = any
	Common  bool     `json:"common"` // it is worth a look at each training
}

// A recipe is a card.
type recipe struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`
	About    string            `json:"about"`
	Paper    string            `json:"paper"`
	Family   string            `json:"family"` // vae or gan
	Picture  *string           `json:"picture"`
	Like     string            `json:"like"` // the model that drew the picture, if it is not one of the recipe
	Defaults map[string]string `json:"defaults"`
	Minutes  *float64          `json:"minutes"` // of training on the data that were asked for, by the speed of earlier runs; nil = unknown
}

// A wanted is a training that a person asks for.
type wanted struct {
	Recipe  string            `json:"recipe"`
	Data    string            `json:"data"`
	Name    string            `json:"name"`
	Options map[string]string `json:"options"`
	Init    string            `json:"init"` // the run with whose weights it begins
}

// getRecipes lists the recipes. The query may say how many items they would be trained on, and of which shape.
func (s *Studio) getRecipes(w http.ResponseWriter, r *http.Request) error {
	items, err := queryInt(r, "items", 0, 0, math.MaxInt32)
	if err != nil {
		return err
	}
	var shape []int
	for side := range strings.SplitSeq(r.URL.Query().Get("shape"), ",") {
		if n, err := strconv.Atoi(side); err == nil {
			shape = append(shape, n)
		}
	}
	list := []recipe{}
	for _, rec := range s.opt.Models.Recipes() {
		r := recipe{Name: rec.Name, Kind: rec.Kind, About: rec.About, Paper: s.opt.Paper(rec.Name), Family: familyOf(s.opt.Models, rec), Defaults: map[string]string{}}
		if options, err := s.options(rec.Name); err == nil {
			for _, o := range options {
				r.Defaults[o.Name] = o.Default
			}
		}
		r.Picture, r.Like = s.pictureOf(rec, r.Family)
		r.Minutes = s.minutes(rec, items, shape)
		list = append(list, r)
	}
	return writeJSON(w, list)
}

// familyOf returns gan of a recipe whose model tells real items from generated ones, else vae.
func familyOf(models *model.Registry, rec model.Recipe) string {
	c, err := models.Config(rec)
	if err != nil {
		return "vae"
	}
	side := rec.PublishedImage()
	m, err := c.New(model.Input{Item: pixels.Item(side[0], side[1], side[2]), Labels: 10})
	if err == nil && m.Discriminate != nil {
		return "gan"
	}
	return "vae"
}

// pictureOf returns the address of a picture of what a recipe makes: of a run here or of a model that imago brings along. If there
// is none, it is what another model draws that imago brings along, whose name like is then.
func (s *Studio) pictureOf(rec model.Recipe, family string) (address *string, like string) {
	var newest int64 = -1
	for _, r := range s.all() {
		r.mu.Lock()
		if r.run != nil && r.run.Config.Recipe == rec.Name {
			if t := milliseconds(r.trained()); r.thumbnail != "" && t > newest {
				newest, address = t, &r.thumbnail
			}
		}
		r.mu.Unlock()
	}
	if address != nil {
		return address, ""
	}
	like = "cnn-vae"
	switch {
	case family == "gan":
		like = "infogan"
	case rec.PublishedImage()[2] == 3:
		like = "face-vae"
	}
	if _, err := s.find(zoo.Scheme + like); err != nil {
		return nil, ""
	}
	seed := crc32.ChecksumIEEE([]byte(rec.Name)) // so that cards do not all look the same
	drawn := "/api/runs/" + url.PathEscape(zoo.Scheme+like) + "/samples.png?" + url.Values{"at": {atBest}, "n": {"16"}, "seed": {strconv.FormatUint(uint64(seed), 10)}}.Encode()
	return &drawn, like
}

// minutes returns how long a recipe as it is takes to be trained on so many items of a shape: all items of all its epochs, by the
// speed of earlier runs; nil if there were none.
func (s *Studio) minutes(rec model.Recipe, items int, shape []int) *float64 {
	cfg, err := s.opt.Models.Config(rec)
	if err != nil || items == 0 {
		return nil
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		return nil
	}
	c := runlog.Config{Recipe: rec.Name, Model: raw, Epochs: rec.Train.Epochs, Steps: rec.Train.Steps, Batch: max(1, rec.Train.Batch)}
	c.Data.Train, c.Data.Item.Shape = items, shape
	speed := s.speed(&c)
	if speed == 0 {
		return nil
	}
	took := float64(c.TotalImages()) / speed / 60
	return &took
}

// options returns the options of a recipe.
func (s *Studio) options(recipe string) ([]Option, error) {
	if _, err := s.opt.Models.Recipe(recipe); err != nil {
		return nil, faultf(http.StatusNotFound, "%s", s.text(err))
	}
	if s.opt.Options == nil {
		return []Option{}, nil
	}
	return s.opt.Options(recipe)
}

// getOptions lists the options of a recipe.
func (s *Studio) getOptions(w http.ResponseWriter, r *http.Request) error {
	list, err := s.options(r.URL.Query().Get("recipe"))
	if err != nil {
		return err
	}
	return writeJSON(w, list)
}

// A fieldError is what is wrong with a field of a form.
func fieldError(field, format string, args ...any) *fault {
	text := fmt.Sprintf(format, args...)
	return &fault{status: http.StatusUnprocessableEntity, Title: text, Fields: []fieldFault{{field, text}}}
}

// arguments returns the command line that trains what is wanted, and the name of its run. What the command itself checks is not
// checked here, but that no word of it can be anything else than what it is meant to be.
func (s *Studio) arguments(v *wanted) (args []string, name string, err error) {
	options, err := s.options(v.Recipe)
	if err != nil {
		return nil, "", fieldError("recipe", "%v", err)
	}
	source, err := s.source(v.Data)
	if err != nil {
		return nil, "", err
	}
	if name = v.Name; name == "" {
		name = s.freeName(v.Recipe, v.Data)
	} else if err := s.checkName(name); err != nil {
		return nil, "", err
	}
	args = []string{"train", v.Recipe, "--data=" + source, "--name=" + name, "--out=" + s.opt.Folder}
	for _, o := range slices.Sorted(maps.Keys(v.Options)) {
		if !slices.ContainsFunc(options, func(known Option) bool { return known.Name == o }) {
			return nil, "", fieldError(o, "%s has no option --%s", v.Recipe, o)
		}
		if strings.ContainsRune(v.Options[o], 0) {
			return nil, "", fieldError(o, "--%s has a character that no command line takes", o)
		}
		args = append(args, "--"+o+"="+v.Options[o])
	}
	if v.Init != "" {
		run, err := s.find(v.Init)
		if err != nil {
			return nil, "", fieldError("init", "%v", err)
		}
		args = append(args, "--init="+run.folder.Path("."))
	}
	return args, name, nil
}

// command returns a command line as a person would type it.
func (s *Studio) command(args []string) string {
	words := []string{"imago"}
	for _, a := range args {
		name, value, has := strings.Cut(a, "=")
		if rest, in := strings.CutPrefix(value, s.opt.Folder); in && (rest == "" || os.IsPathSeparator(rest[0])) {
			value = s.named + rest
		}
		switch {
		case !has || !strings.HasPrefix(a, "--"):
			words = append(words, screen.ShellWord(a))
		case value == "true":
			words = append(words, name)
		case strings.HasPrefix(value, "-"): // a word of its own would be taken for a flag
			words = append(words, screen.ShellWord(a))
		default:
			words = append(words, name, screen.ShellWord(value))
		}
	}
	return strings.Join(words, " ")
}

// nameRule is what names of runs may be that are given on the page: they become names of folders.
var nameRule = regexp.MustCompile(`^[\pL\pN][\pL\pN ._+-]*$`)

// checkName returns an error if a new run cannot have a name.
func (s *Studio) checkName(name string) error {
	if !validID(name) || !nameRule.MatchString(name) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || len(name) > 100 {
		return fieldError("name", "the name %q: want letters, digits, spaces and the signs . _ + -, a letter or digit first, 100 at most", name)
	}
	if s.isTaken(name) {
		return fieldError("name", "there is a run %s already: choose another name", name)
	}
	return nil
}

// isTaken reports whether a run or a job has a name.
func (s *Studio) isTaken(name string) bool {
	if has, err := s.folder.Exists(name); has || err != nil {
		return true
	}
	return s.queue.stateOf(name) != ""
}

// freeName returns the name of a run that is given none: its recipe, its data and the first number above all that are taken.
func (s *Studio) freeName(recipe, source string) string {
	prefix := runlog.CleanName(recipe) + "-" + runlog.CleanName(filepath.Base(source)) + "-"
	last := 0
	take := func(name string) {
		if digits, ok := strings.CutPrefix(name, prefix); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				last = max(last, n)
			}
		}
	}
	if entries, err := s.folder.ReadDir("."); err == nil {
		for _, e := range entries {
			take(e.Name())
		}
	}
	for _, j := range s.queue.list() {
		take(j.Run)
	}
	return fmt.Sprintf("%s%03d", prefix, last+1)
}

// source returns the data that the command is given: the name of a set, or the path of what lies below the root or was uploaded.
func (s *Studio) source(name string) (string, error) {
	if slices.Contains(s.opt.Data.Names(), name) {
		return name, nil
	}
	if name == "" || name == "-" {
		return "", fieldError("data", "no data are chosen")
	}
	p, err := s.within(name)
	if err != nil {
		return "", fieldError("data", "%v", err)
	}
	return p, nil
}

// within returns the absolute path of something below the root, or among what was uploaded, all links followed. A path that is not
// absolute is below the root.
func (s *Studio) within(name string) (string, error) {
	if strings.ContainsRune(name, 0) {
		return "", errors.New("a path with a character that no path has")
	}
	p := filepath.FromSlash(name)
	if !filepath.IsAbs(p) {
		p = filepath.Join(s.opt.Root, p)
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, cmp.Or(cause(err), err))
	}
	for _, top := range []string{s.opt.Root, s.own.Path(uploadsFolder)} {
		top, err := filepath.EvalSymlinks(top)
		if err != nil {
			continue
		}
		if rel, err := filepath.Rel(top, real); err == nil && filepath.IsLocal(rel) {
			return real, nil
		}
	}
	return "", fmt.Errorf("%s is not below %s: start the studio with another --root to use it", name, s.opt.Root)
}

// postJob adds a training to the queue.
func (s *Studio) postJob(w http.ResponseWriter, r *http.Request) error {
	var v wanted
	if err := readJSON(r, &v); err != nil {
		return err
	}
	if s.opt.Command == nil {
		return faultf(http.StatusConflict, "this studio starts no trainings")
	}
	args, name, err := s.arguments(&v)
	if err != nil {
		return err
	}
	j, err := s.queue.add(&job{Job: Job{Kind: jobTrain, Run: name, Command: s.command(args)}, Args: args, Recipe: v.Recipe, Data: v.Data})
	if err != nil {
		return err
	}
	if sum, ok := s.pending(name); ok {
		s.events.send(event{Type: "run", Run: &sum})
	}
	return writeJSON(w, j)
}
