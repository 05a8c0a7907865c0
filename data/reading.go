package data

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/internal/option"
)

// Reading says how a table, an array, a recording, a tune or a text is read where its file does not say it, or where
// what the file says is not meant. The zero value decides by what the file holds, and
// says so in a note. It is saved with a run, and new data are read alike.
type Reading struct {
	Header  string   `json:"header,omitempty"`  // the first line of a table: Yes = names of columns, No = a row
	Columns []string `json:"columns,omitempty"` // columns of a table that are read, by name, by number from 1, or as 3-7; nil = all
	Drop    []string `json:"drop,omitempty"`    // columns that are left out, named alike
	Fill    string   `json:"fill,omitempty"`    // what stands for a value that is missing: FillMean, FillMedian, or FillDrop; "" = it is an error
	Scale   string   `json:"scale,omitempty"`   // how the columns of a table are scaled: ScaleMinMax or "", or ScaleRobust
	As      string   `json:"as,omitempty"`      // what rows of numbers are: AsTable or AsImages
	Pixels  string   `json:"pixels,omitempty"`  // the rows are images of that shape: rows, columns and channels, as 28x28x1
	Rate    int      `json:"rate,omitempty"`    // samples a second that recordings are brought to; 0 = as most of them have
	Seconds float64  `json:"seconds,omitempty"` // length of a clip of a recording, at least; 0 = about one
	Bars    int      `json:"bars,omitempty"`    // length of an item of music; 0 = 2
	Text    string   `json:"text,omitempty"`    // column of a table, or field of JSON lines, that is read as texts
	Tokens  string   `json:"tokens,omitempty"`  // what texts are divided into: characters, words, bytes, or the matches of a regular expression; "" = characters or words, whichever suits
	Length  int      `json:"length,omitempty"`  // most tokens of a text; 0 = that of the longest, but no more than is usual
	// MinCount is how often a token of the vocabulary occurs at least, and Vocabulary how many there are at most;
	// 0 = as is usual.
	MinCount   int    `json:"min_count,omitempty"`
	Vocabulary int    `json:"vocabulary,omitempty"`
	Range      string `json:"range,omitempty"` // the numbers in an array of pixels that are black and white, as 0:16
}

// The values of Reading.
const (
	Yes         = "yes"
	No          = "no"
	FillMean    = "mean"   // the mean of the training part
	FillMedian  = "median" // its median
	FillDrop    = "drop"   // nothing: the row is left out
	ScaleMinMax = "minmax" // by the least and the greatest value
	ScaleRobust = "robust" // by the fences of Tukey, 3 interquartile ranges from the quartiles; see package table
	AsTable     = "table"
	AsImages    = "images"
)

// The limits of texts, in tokens.
const (
	maxLength     = 512
	maxVocabulary = 1 << 16
)

// Validate reports the first field that is out of range, or that contradicts another.
func (r Reading) Validate() error {
	for _, f := range []struct {
		name, value string
		want        []string
	}{
		{"{Header}", r.Header, []string{Yes, No}},
		{"{Fill}", r.Fill, []string{FillMean, FillMedian, FillDrop}},
		{"{Scale}", r.Scale, []string{ScaleMinMax, ScaleRobust}},
		{"{As}", r.As, []string{AsTable, AsImages}},
	} {
		if f.value != "" && !slices.Contains(f.want, f.value) {
			return option.Errorf("data: "+f.name+" %q: want %s", f.value, strings.Join(f.want, " or "))
		}
	}
	if r.Rate != 0 && (r.Rate < 1000 || r.Rate > 192_000) {
		return option.Errorf("data: {Rate} %d: want 1000 to 192000 samples a second", r.Rate)
	}
	if !(r.Seconds >= 0 && r.Seconds <= 600) {
		return option.Errorf("data: {Seconds} %v: want the seconds of a clip, up to 600, or 0 (about one)", r.Seconds)
	}
	if r.Bars < 0 {
		return option.Errorf("data: {Bars} %d: want 1 or more, or 0 (2)", r.Bars)
	}
	for _, f := range []struct {
		name     string
		n, limit int
	}{{"{Length}", r.Length, maxLength}, {"{MinCount}", r.MinCount, math.MaxInt32}, {"{Vocabulary}", r.Vocabulary, maxVocabulary}} {
		if f.n < 0 || f.n > f.limit {
			return option.Errorf("data: "+f.name+" %d: want 1 to %d, or 0 (as is usual)", f.n, f.limit)
		}
	}
	if r.Pixels != "" {
		if _, err := r.PixelShape(); err != nil {
			return err
		}
		if r.As == AsTable {
			return option.Errorf("data: {Pixels} %s and {As} %s: want one of them", r.Pixels, r.As)
		}
	}
	if r.Range != "" {
		if _, _, err := r.Ends(); err != nil {
			return err
		}
	}
	return nil
}

// PixelShape returns the rows, columns and channels that Pixels names.
func (r Reading) PixelShape() ([3]int, error) {
	shape := [3]int{0, 0, 1}
	parts := strings.Split(strings.ToLower(r.Pixels), "x")
	ok := len(parts) == 2 || len(parts) == 3
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if ok = ok && err == nil && n >= 1 && n <= MaxSize; ok {
			shape[i] = n
		}
	}
	if !ok {
		return shape, option.Errorf("data: {Pixels} %q: want rows, columns and channels, as 28x28x1", r.Pixels)
	}
	return shape, nil
}

// Ends returns the numbers that Range names, which stand for black and white.
func (r Reading) Ends() (black, white float64, err error) {
	lo, hi, ok := strings.Cut(r.Range, ":")
	black, err1 := strconv.ParseFloat(lo, 64)
	white, err2 := strconv.ParseFloat(hi, 64)
	if !ok || err1 != nil || err2 != nil || !(black < white) || math.IsInf(black, 0) || math.IsInf(white, 0) {
		return 0, 0, option.Errorf("data: {Range} %q: want the numbers of black and of white, the lower first, as 0:16", r.Range)
	}
	return black, white, nil
}
