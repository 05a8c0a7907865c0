package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	datatable "github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
)

// The parts of a data set, as --split names them. The data set of a run has a training and a test part. Another set,
// given with --data, is new to the model, so all of it is used unless --split is given.
const (
	partTest  = "test"
	partTrain = "train"
	partAll   = "all"
)

// setFlags are the flags that name a data set and a part of it.
type setFlags struct {
	data, dir, split string
	noCache          bool
	crop             int
	label            string
	fill, header     string

	ignoreWithout bool // also the classes that the run was trained without
	undivided     bool // set by openSplit: the set has no test part, and all of it is measured on
	measures      bool // the command measures on the test part of a set, else on all of it: there is no --split
	learns        bool // the command learns from the training part of a set, else from all of it: there is no --split
}

// addFlags declares all of the flags.
func (s *setFlags) addFlags(c *cobra.Command) {
	s.addTestFlags(c, "the run")
	s.measures = false
	labelColumnFlag(c, &s.label, "with --data: ", "; - for none")
	cropFlag(c, &s.crop, "with --data: ")
	c.Flags().StringVar(&s.split, "split", "", "part of the set: test, train or all (default test; all of a set given with --data)")
}

// addTestFlags declares the flags of a command that uses test images; owner names the run that gives the default set.
func (s *setFlags) addTestFlags(c *cobra.Command, owner string) {
	c.Flags().StringVar(&s.data, "data", "", "data `set`, by name or path (default that of "+owner+")")
	dataDirFlag(c, &s.dir)
	noCacheFlag(c, &s.noCache)
	c.Flags().StringVar(&s.fill, "fill", "", "with --data: what stands for a missing value of a table: mean or median of its column, if the run was trained with it; drop leaves the row out")
	c.Flags().StringVar(&s.header, "header", "", "with --data: whether the first line of a table has the names of the columns: yes or no")
	s.measures = true
}

// labelColumnFlag declares --label; before and after surround the text.
func labelColumnFlag(c *cobra.Command, label *string, before, after string) {
	c.Flags().StringVar(label, "label", "", before+"`column` of a table that holds the class of each row, a name or a number from 1"+after)
}

// cropFlag declares --crop; note precedes the text.
func cropFlag(c *cobra.Command, crop *int, note string) {
	c.Flags().IntVar(crop, "crop", 0, note+"before resizing, cut a square of so many `pixels` a side out of the middle; 0 means the largest (celeba: 148)")
}

// check returns the first error in the flags.
func (s *setFlags) check() error {
	if s.data == "" && s.label != "" {
		return fmt.Errorf("--label %s is for a table given with --data: the run has its own", s.label)
	}
	if s.data == "" && s.crop != 0 {
		return fmt.Errorf("--crop %d is for a set given with --data: the run has its own", s.crop)
	}
	for flag, value := range map[string]string{"fill": s.fill, "header": s.header} {
		if s.data == "" && value != "" {
			return fmt.Errorf("--%s %s is for a set given with --data: the run has its own", flag, value)
		}
	}
	if s.split == "" {
		return nil
	}
	return oneOf("split", s.split, partTest, partTrain, partAll)
}

// part returns the part of the set that is used: that of --split, or else the test part of the run's own set and all of
// another.
func (s *setFlags) part() string {
	switch {
	case s.learns:
		return partTrain
	case s.measures:
		return partTest
	case s.split != "":
		return s.split
	case s.data != "":
		return partAll
	}
	return partTest
}

// words returns the flags that name the set, as words of a command line.
func (s *setFlags) words() string {
	line := ""
	for _, f := range []struct{ name, value string }{{"data", s.data}, {"label", s.label}, {"fill", s.fill}, {"header", s.header}} {
		if f.value != "" {
			line += " --" + f.name + " " + screen.ShellName(f.value)
		}
	}
	return line
}

// whole reports whether nothing is held out of a set that has no test part of its own.
func (s *setFlags) whole() bool {
	return s.data != "" && (s.measures || s.learns || s.part() == partAll)
}

// openImages returns the trained model and the images of a set that the flags name. The caller closes the model.
func (a *app) openImages(c *cobra.Command, args []string, from *modelSource, set *setFlags) (*trainedModel, *data.Set, data.Split, error) {
	if err := set.check(); err != nil {
		return nil, nil, data.Split{}, usage(c, err)
	}
	m, err := a.open(c, args, from)
	if err != nil {
		return nil, nil, data.Split{}, err
	}
	s, split, err := a.openSplit(c, m, set)
	if err != nil {
		m.Close()
	}
	return m, s, split, err
}

// reading returns the name of the set that the flags name, and the options with which it is opened in the shape that
// the model takes. Another set is read as that of the run was.
func (s *setFlags) reading(c *cobra.Command, m *trainedModel) (string, data.Options, error) {
	var opt data.Options
	name, item := s.data, m.Item()
	if m.config != nil { // of weights alone, the units of a table's columns are not known
		opt = m.config.Data.Options()
		opt.Medium = item.Medium
	}
	switch {
	case name != "": // images are resized to those of the model, if these are square
		if h, w, channels, err := medium.HWC(item); err == nil && (item.Medium == nil || item.Medium.Name() == pixels.Name) {
			if h == w {
				opt.Size = h
			}
			opt.Gray = channels == 1
		}
		if c.Flags().Changed("crop") {
			opt.Crop = s.crop
		}
		opt.Label, opt.Fill = cmp.Or(s.label, opt.Label), cmp.Or(s.fill, opt.Fill)
		opt.Header = cmp.Or(s.header, opt.Header)
		opt.Without, opt.Whole = nil, s.whole()
		if opt.Whole {
			opt.Validation = 0
		}
	case m.config != nil:
		name = m.config.Data.Place(m.name)
	default:
		return "", opt, usagef(c, "the file of weights does not name its data set: name one with --data")
	}
	if s.ignoreWithout {
		opt.Without = nil
	}
	return name, opt, nil
}

// openSplit returns the data set that the flags name, and the part of it, in the shape that the model takes. Its
// classes have the numbers that they have for a model that uses labels.
func (a *app) openSplit(c *cobra.Command, m *trainedModel, s *setFlags) (*data.Set, data.Split, error) {
	name, opt, err := s.reading(c, m)
	if err != nil {
		return nil, data.Split{}, err
	}
	opt.DataDir, opt.NoCache, opt.Progress = s.dir, s.noCache, a.err
	if s.data != "" { // the standard input that a run was trained on is gone
		opt.Input = c.InOrStdin()
	}
	set, err := a.Data.Open(c.Context(), name, opt)
	if err != nil {
		return nil, data.Split{}, err
	}
	if s.data != "" { // training has told those of the run's own set
		a.printNotes(set, false)
	}
	if s.label != "" && s.label != "-" && set.Classes == nil {
		return nil, data.Split{}, fmt.Errorf("%s: %s has no column %s, which --label names", c.Name(), name, s.label)
	}
	if s.data == "" && !s.ignoreWithout && set.Digest != m.config.Data.Digest {
		a.warn("%s is not what it was when %s was trained", name, m.name)
	}
	if found, item := set.Item(), m.Item(); !found.Equal(item) {
		return nil, data.Split{}, fmt.Errorf("%s: the items of %s have shape %v, those of the model %v: choose another set with --data", c.Name(), name, found, item)
	}
	if err := m.matchLabels(set); err != nil {
		return nil, data.Split{}, fmt.Errorf("%s: %w", c.Name(), err)
	}
	what := "the " + partTest + " part"
	if s.whole() && s.measures && set.Test.Len() == 0 {
		set.Test, what, s.undivided = set.Train, "all", true
	}
	split := s.selectSplit(set)
	if s.data != "" && s.measures {
		fmt.Fprintf(a.err, "measuring on %s of %s: %s\n", what, name, english.Plural(split.Len(), m.noun()))
	}
	if split.Len() == 0 {
		return nil, data.Split{}, fmt.Errorf("%s: %s has no %s: choose the other part with --split", c.Name(), name, s.items(m, 0))
	}
	if s.data != "" && !s.whole() && s.part() != partAll {
		fmt.Fprintf(a.err, "%s of the %s of %s (--split %s)\n", thousands(split.Len()), english.Plural(set.Train.Len()+set.Test.Len(), m.noun()), name, s.split)
	}
	return set, split, nil
}

// selectSplit returns the part of set that the flags name.
func (s *setFlags) selectSplit(set *data.Set) data.Split {
	switch s.part() {
	case partTrain:
		return set.Train
	case partAll:
		return set.All()
	}
	return set.Test
}

// items returns the count of n items of the part that the flags name, as "all 1,000 rows" or "12 test images".
func (s *setFlags) items(m *trainedModel, n int) string {
	switch {
	case s.part() == partAll, s.data != "" && s.learns:
		return "all " + english.Plural(n, m.noun())
	case n == 0:
		return s.part() + " " + m.noun() + "s"
	}
	return english.Plural(n, s.part()+" "+m.noun())
}

// noun returns what an item of the model's data is called.
func (m *trainedModel) noun() string {
	return medium.Noun(m.Item())
}

// reword returns text about images as text about the items of the model's data.
func (m *trainedModel) reword(text string) string { return medium.Reword(m.Item(), text) }

// usesLabels reports whether the model is given labels, or predicts those that it was trained with.
func (m *trainedModel) usesLabels() bool {
	x := m.Model()
	return x.TakesLabels.Decode || x.TakesLabels.Sample || x.Supervision != nil
}

// matchLabels gives the classes of set, or its attributes, the numbers that they have for a model that uses labels: a
// class is its name. It fails if the set has a class that the model was not trained on.
func (m *trainedModel) matchLabels(set *data.Set) error {
	if !m.usesLabels() || m.config == nil || len(m.config.Data.Labels) == 0 {
		return nil
	}
	known := m.config.Data.Labels
	switch set.FolderClasses(known); {
	case set.Classes != nil:
		if unknown := set.MatchClasses(known); len(unknown) > 0 {
			return fmt.Errorf("%s has %s, on which %s was not trained: it knows %s; leave those %ss out, or name the class as the model does%s",
				set.Name, quotedNames(unknown, "the class", "the classes"), m.name, english.Some(known), m.noun(), nearClass(unknown, known))
		}
	case set.Attributes != nil:
		return set.MatchAttributes(known)
	}
	return nil
}

// quotedNames returns names in quotes, or the first of many, behind one or many, which count them.
func quotedNames(names []string, one, many string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	if len(names) > 1 {
		one = many
	}
	return one + " " + english.Some(quoted)
}

// nearClass returns a question for the end of an error, whether the first of the unknown classes that differs from a
// known one in capital letters or blanks alone is that one; else "".
func nearClass(unknown, known []string) string {
	for _, u := range unknown {
		for _, k := range known {
			if strings.EqualFold(strings.TrimSpace(u), strings.TrimSpace(k)) {
				return fmt.Sprintf("; is %q the class %q?", u, k)
			}
		}
	}
	return ""
}

// titleOf returns the title of a picture of images of set. It names the set if the user gave one.
func (m *trainedModel) titleOf(set *data.Set, s *setFlags) string {
	if s.data == "" {
		return m.title
	}
	return m.title + ", shown " + filepath.Base(set.Name)
}

// nameOf returns what item i of a split is called: by the file that it is, by its row in a table, or by its number.
func nameOf(p data.Split, i int) string {
	o := p.Origin(i)
	if _, rows := p.Items.Item().Medium.(datatable.Medium); rows || o.Alone || o.Line > 0 || o.File != "" {
		return o.String()
	}
	return fmt.Sprint(o.Row)
}

// note returns the note of a picture: its parts, which may be "", and the step of training that the model is of.
func (m *trainedModel) note(parts ...string) string {
	if m.config != nil {
		parts = append(parts, "step "+thousands(m.step))
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}
