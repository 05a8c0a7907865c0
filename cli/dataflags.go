package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
)

// readingFlags are the flags that say how a table or an array is read.
type readingFlags struct {
	reading       data.Reading
	table, images bool
}

// addFlags declares the flags.
func (r *readingFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.reading.Header, "header", "", "whether the first line of a table has the names of the columns: yes or no (default by what it holds)")
	f.StringSliceVar(&r.reading.Columns, "columns", nil, "read only these `columns` of a table: names, numbers from 1, or 3-7")
	f.StringSliceVar(&r.reading.Drop, "drop", nil, "leave out these `columns` of a table")
	f.StringVar(&r.reading.Fill, "fill", "", "what stands for a missing value of a table: mean or median of its column; drop leaves the row out (default an error)")
	f.StringVar(&r.reading.Scale, "scale", "", "how the columns of a table are scaled: minmax, or robust, which takes no notice of outliers (default minmax)")
	f.StringVar(&r.reading.Pixels, "pixels", "", "read the rows of a table or an array as images of that `shape`, as 28x28x1")
	f.IntVar(&r.reading.Rate, "rate", 0, "bring recordings to so many `samples` a second (default what most of them have, up to 16000)")
	f.Float64Var(&r.reading.Seconds, "seconds", 0, "length of a clip of a recording, at least: longer ones are cut, silence follows shorter ones (default about 1)")
	f.IntVar(&r.reading.Bars, "bars", 0, "length of the melodies or drum patterns that are cut out of MIDI files (default 2)")
	f.StringVar(&r.reading.Text, "text", "", "read a `column` of a table, or a field of JSON lines, as texts, a text a line")
	f.StringVar(&r.reading.Tokens, "tokens", "", "divide texts into characters, words (between blanks), bytes, or the matches of a regular `expression` (default characters or words, whichever suits)")
	f.IntVar(&r.reading.Length, "length", 0, "most `tokens` of a text: longer ones are cut (default as the longest has, up to 60 words or 128 characters)")
	f.IntVar(&r.reading.MinCount, "min-count", 0, "leave rarer tokens than so many `times` out of the vocabulary: they are unknown (default 2, of characters 1)")
	f.IntVar(&r.reading.Vocabulary, "vocabulary", 0, "most different `tokens`, the most frequent ones (default 10000)")
	f.StringVar(&r.reading.Range, "range", "", "the numbers in an array of pixels that are black and white, as 0:16 (default by what it holds)")
	f.BoolVar(&r.table, "table", false, "read an array as rows of a table (default by what it holds)")
	f.BoolVar(&r.images, "images", false, "read the rows of an array or a table as square images")
}

// apply sets those fields of to whose flags the user gave.
func (r *readingFlags) apply(c *cobra.Command, to *data.Reading) error {
	if r.table && r.images {
		return fmt.Errorf("--table and --images: want one of them")
	}
	if r.table && r.reading.Pixels != "" {
		return fmt.Errorf("--table and --pixels %s: want one of them", r.reading.Pixels)
	}
	from := r.reading
	for flag, set := range map[string]func(){
		"header":  func() { to.Header = from.Header },
		"columns": func() { to.Columns = from.Columns },
		"drop":    func() { to.Drop = from.Drop },
		"fill":    func() { to.Fill = from.Fill },
		"scale":   func() { to.Scale = from.Scale },
		"pixels":  func() { to.Pixels = from.Pixels },
		"range":   func() { to.Range = from.Range },
		"rate":    func() { to.Rate = from.Rate },
		"bars":    func() { to.Bars = from.Bars },
		"seconds": func() { to.Seconds = from.Seconds },
		"text":    func() { to.Text = from.Text },
		"tokens":  func() { to.Tokens = from.Tokens },
		"length":  func() { to.Length = from.Length },

		"min-count":  func() { to.MinCount = from.MinCount },
		"vocabulary": func() { to.Vocabulary = from.Vocabulary },
		"table":      func() { to.As = as(r.table, data.AsTable) },
		"images":     func() { to.As = as(r.images, data.AsImages) },
	} {
		if c.Flags().Changed(flag) {
			set()
		}
	}
	return nil
}

// as returns what rows are if a flag that says so is true; "" = what they hold decides.
func as(yes bool, what string) string {
	if yes {
		return what
	}
	return ""
}

// nameNotes names the options that the notes of a set speak of by their flags.
func (a *app) nameNotes(set *data.Set) {
	set.Notes = slices.Clone(set.Notes)
	for i, n := range set.Notes {
		set.Notes[i] = n.Named(a.flagOf)
	}
}

// printNotes prints the notes of a set: all, or the warnings only.
func (a *app) printNotes(set *data.Set, all bool) {
	a.nameNotes(set)
	for _, n := range set.Notes {
		switch {
		case n.Warning:
			a.warn("%s", n.Text)
		case all:
			fmt.Fprintf(a.err, "%s\n", n.Text)
		}
	}
}
