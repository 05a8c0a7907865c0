// Package text is the medium of short texts, such as sentences, names or formulas, and reads
// them from files: a text a line, a column of a CSV file, or a field of JSON lines.
//
// An item is the tokens of a text, each a whole number, followed by as many ends as fill it. The
// tokens are the characters of a text, its bytes, its words, which are what stands between
// blanks, or the matches of a regular expression. Which of the two usual ways suits the texts,
// characters or words, is decided by the number of words of a text, and said. Models of
// SentencePiece are not read: their tokens are written with blanks between, and read as words.
//
// A folder with a file for each part, which its name says, is a set too.
//
// The vocabulary are the tokens of the training part in falling frequency. What occurs only
// once is left out if the tokens are no characters, and so is what is beyond the greatest number;
// such tokens become the unknown one. Texts that are longer than an item are cut. Notes say of
// how many texts and tokens this is true. Lines without a token are left out, and counted.
//
// The package must not know any model.
package text

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
)

// ErrFormat marks a file that holds no texts, in contrast to one that could not be read. Test
// with errors.Is.
var ErrFormat = errors.New("not a file of texts")

// Opener returns the opener of files of texts: those named .txt, .jsonl or .ndjson, packed with
// gzip or not, other files that are text, and folders of such files whose names say which is the
// training, the validation and the test part. Register it after those of other texts, such as
// tables, which it takes if Options.Text names a column.
func Opener() data.Opener {
	return data.Opener{Name: "text", Match: match, Open: Open, Asked: func(opt data.Options) bool { return opt.Text != "" }}
}

func match(path string, info fs.FileInfo, head []byte) bool {
	if info.IsDir() {
		_, found, err := divide(path)
		return err == nil && found
	}
	switch form(path) {
	case ".txt", ".jsonl", ".ndjson":
		return true
	}
	for range utf8.UTFMax { // the head may end within a letter
		if utf8.Valid(head) {
			break
		}
		head = head[:max(0, len(head)-1)]
	}
	return len(head) > 0 && utf8.Valid(head) && bytes.IndexByte(head, 0) < 0 && !bytes.HasPrefix(head, []byte("<"))
}

// form returns the suffix of a name in small letters, without that of gzip.
func form(path string) string {
	return filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz"))
}

// A part are texts as they stand in a file.
type part struct {
	texts  []string
	lines  []int32  // of each, where it begins in the file
	labels []string // of each; nil without
}

// only returns the texts of those indices.
func (p part) only(index []int) part {
	var q part
	for _, i := range index {
		q.texts, q.lines = append(q.texts, p.texts[i]), append(q.lines, p.lines[i])
		if p.labels != nil {
			q.labels = append(q.labels, p.labels[i])
		}
	}
	return q
}

// Open reads the texts of a file. Some are held out for the test part; equal texts are in the
// same part. Of a folder it reads the files that are named after parts, as ptb.train.txt and
// ptb.test.txt; a validation part is left out unless Options.Validation asks for one.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	if d, found, err := divide(path); err == nil && found {
		return openParts(ctx, path, d, opt)
	}
	set := &data.Set{Name: path}
	all, err := read(ctx, path, opt, set)
	if err != nil {
		return nil, fmt.Errorf("text: %s: %w", path, err)
	}
	train, test := data.HoldOut(len(all.texts), opt, func(i int) string { return all.texts[i] })
	if err := fill(ctx, set, [parts]part{trainPart: all.only(train), testPart: all.only(test)}, opt); err != nil {
		return nil, fmt.Errorf("text: %s: %w", path, err)
	}
	return set, nil
}

// Make returns a set of texts of your own, one a line, with opt as Open reads them.
func Make(ctx context.Context, name string, train, test []string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	set := &data.Set{Name: name}
	numbered := func(texts []string) part {
		p := part{texts: texts}
		for i := range texts {
			p.lines = append(p.lines, int32(i+1))
		}
		return p
	}
	if err := fill(ctx, set, [parts]part{trainPart: numbered(train), testPart: numbered(test)}, opt); err != nil {
		return nil, fmt.Errorf("text: %s: %w", name, err)
	}
	return set, nil
}

// The usual limits, which options change.
const (
	usualWords      = 60     // tokens of a text of words
	usualCharacters = 128    // of one of anything else
	usualVocabulary = 10_000 // tokens
	usualMinimum    = 2      // of the frequency of a token that is no character
	wordsOfSentence = 3      // words of a text, in the mean, from which the tokens are words
)

// fill makes the parts of a set of texts, with the medium that opt asks for or that suits the
// training part.
func fill(ctx context.Context, set *data.Set, all [parts]part, opt data.Options) error {
	train := all[trainPart]
	if len(train.texts) == 0 {
		return fmt.Errorf("%w: there is no text in it", ErrFormat)
	}
	m, like := opt.Medium.(Medium)
	if !like {
		var err error
		if m, err = choose(ctx, set, train.texts, opt); err != nil {
			return err
		}
	}
	t, err := m.tokenizer()
	if err != nil {
		return err
	}
	e := encoder{Medium: m, tokenizer: t, ids: m.index(), like: like}
	settings, err := json.Marshal(m)
	if err != nil {
		return err
	}
	id := sha256.New()
	fmt.Fprintf(id, "text %s\n", settings)
	classes := map[string]int32{}
	if train.labels != nil {
		for _, name := range slices.Concat(train.labels, all[validPart].labels, all[testPart].labels) {
			classes[name] = 0
		}
		for name := range classes {
			set.Classes = append(set.Classes, name)
		}
		data.SortClasses(set.Classes)
		for k, name := range set.Classes {
			classes[name] = int32(k)
		}
		set.WarnOfLabels("the labels", len(set.Classes), len(train.labels))
	}
	for _, p := range []struct {
		part
		split *data.Split
	}{{train, &set.Train}, {all[testPart], &set.Test}, {all[validPart], &set.Validation}} {
		if p.split == &set.Validation && p.texts == nil {
			continue
		}
		kept, values, err := e.encode(ctx, p.texts)
		if err != nil {
			return err
		}
		if p.split.Items, err = data.NewValues(values, Item(m)); err != nil {
			return err
		}
		for _, i := range kept {
			p.split.Origins.Lines = append(p.split.Origins.Lines, p.lines[i])
			p.split.Origins.Rows = append(p.split.Origins.Rows, int32(i))
			fmt.Fprintf(id, "%q\n", p.texts[i])
			if p.labels != nil {
				p.split.Labels = append(p.split.Labels, classes[p.labels[i]])
				fmt.Fprintf(id, "%q\n", p.labels[i])
			}
		}
		fmt.Fprintln(id, "end of part")
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	e.tell(set, len(train.texts)+len(all[validPart].texts)+len(all[testPart].texts))
	if set.Train.Len() == 0 {
		return fmt.Errorf("no text of the training part has only tokens of the vocabulary")
	}
	return nil
}

// choose returns the medium of texts, and says in notes of set what it is.
func choose(ctx context.Context, set *data.Set, texts []string, opt data.Options) (Medium, error) {
	m := Medium{Tokens: opt.Tokens}
	if m.Tokens == "" {
		n, some := 0, texts[:min(len(texts), 1000)]
		for _, text := range some {
			n += len(strings.Fields(text))
		}
		if m.Tokens = Characters; n >= wordsOfSentence*len(some) {
			m.Tokens = Words
		}
		set.Tell("the tokens are %s, as a text has %.2g words in the mean; {Tokens} chooses otherwise", m.Tokens, float64(n)/float64(len(some)))
	}
	t, err := m.tokenizer()
	if err != nil {
		return m, option.Errorf("{Tokens}: %w", err)
	}
	counts, longest, lost, err := t.count(ctx, texts)
	if err != nil {
		return m, err
	}
	usual := usualCharacters
	if m.Tokens == Words || t.re != nil && lost.blanks > 0 {
		m.Joint, usual = " ", usualWords
	}
	if lost.others > 0 {
		set.Warn("the regular expression {Tokens} %s leaves out letters at %s, as no match covers them", m.Tokens, english.Plural(lost.others, "place"))
	}
	if m.Length = opt.Length; m.Length == 0 {
		m.Length = min(longest, usual)
	}
	m.Length = max(m.Length, minLength)
	if m.Tokens == Bytes {
		return m, nil
	}
	least := opt.MinCount
	if least == 0 && m.Tokens != Characters {
		least = usualMinimum
	}
	most := opt.Vocabulary
	if most == 0 {
		most = usualVocabulary
	}
	m.vocabulary(set, counts, least, most)
	if len(m.Vocabulary) == 0 {
		return m, option.Errorf("no token occurs %d times: want a smaller {MinCount}", least)
	}
	return m, nil
}

// vocabulary sets the vocabulary to the most frequent tokens, and says what is left out.
func (m *Medium) vocabulary(set *data.Set, counts map[string]int, least, most int) {
	var rare, rareTokens, long int
	total := 0
	var words []string
	for w, n := range counts {
		total += n
		switch {
		case w == m.unknown():
			m.Unknown = true
		case len(w) > maxToken:
			long++
			rareTokens += n
		case n < least:
			rare++
			rareTokens += n
		default:
			words = append(words, w)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	beyond, beyondTokens := max(0, len(words)-most), 0
	for _, w := range words[len(words)-beyond:] {
		beyondTokens += counts[w]
	}
	m.Vocabulary = words[:len(words)-beyond]
	m.Unknown = m.Unknown || rareTokens+beyondTokens > 0
	share := func(n int) float64 { return 100 * float64(n) / float64(total) }
	set.Tell("a vocabulary of %s", english.Plural(len(m.Vocabulary), "different token"))
	if rare > 0 {
		set.Tell("unknown because rarer than %d times: %s, %.2g %% of the text; {MinCount} 1 keeps them", least, english.Plural(rare, "different token"), share(rareTokens))
	}
	if beyond > 0 {
		set.Warn("unknown because beyond the %d most frequent: %s, %.2g %% of the text; {Vocabulary} %d keeps them", most, english.Plural(beyond, "different token"), share(beyondTokens), min(MaxVocabulary, most+beyond))
	}
	if long > 0 {
		set.Warn("unknown because longer than %d bytes: %s", maxToken, english.Plural(long, "different token"))
	}
}

// maxDistinct bounds the different tokens that are counted.
const maxDistinct = 1 << 22

// count returns how often each token occurs, the number of tokens of the longest text, and what
// no token covers.
func (t tokenizer) count(ctx context.Context, texts []string) (counts map[string]int, longest int, lost loss, err error) {
	counts = map[string]int{}
	for i, text := range texts {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, 0, lost, context.Cause(ctx)
		}
		tokens := t.split(text, &lost)
		longest = max(longest, len(tokens))
		for _, token := range tokens {
			counts[token]++
		}
		if len(counts) > maxDistinct {
			return nil, 0, lost, option.Errorf("more than %d different tokens: want others, as {Tokens} characters", maxDistinct)
		}
	}
	return counts, longest, lost, nil
}

// An encoder turns texts into ids, and counts what is lost.
type encoder struct {
	Medium
	tokenizer tokenizer
	ids       map[string]int
	like      bool // the medium is that of a model

	cut, left, empty int    // texts that are longer than an item, that have a strange token, that have none
	strange          string // one of those tokens
}

// encode returns the numbers of the texts that are kept and their ids, (N, T).
func (e *encoder) encode(ctx context.Context, texts []string) (kept []int, values []float32, err error) {
	if err := errors.Join(data.CheckItems(len(texts)), memory.Check(4*int64(len(texts))*int64(e.Length), "the tokens of %s", english.Plural(len(texts), "text"))); err != nil {
		return nil, nil, err
	}
	values = make([]float32, 0, len(texts)*e.Length)
	row := make([]float32, e.Length)
text:
	for i, text := range texts {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		tokens := e.tokenizer.split(text, nil)
		if len(tokens) == 0 {
			e.empty++
			continue
		}
		clear(row)
		for k, token := range tokens[:min(len(tokens), e.Length)] {
			id, known := e.id(e.ids, token)
			if !known && !e.Unknown {
				e.left++
				e.strange = token
				continue text
			}
			row[k] = float32(id)
		}
		if len(tokens) > e.Length {
			e.cut++
		}
		kept, values = append(kept, i), append(values, row...)
	}
	return kept, values, nil
}

// tell adds notes on what was cut or left out of n texts.
func (e *encoder) tell(set *data.Set, n int) {
	of := english.Plural(n, "text")
	if e.cut > 0 {
		set.Warn("%d of %s are longer than %d tokens, and are cut there; {Length} takes more", e.cut, of, e.Length)
	}
	if e.empty > 0 {
		set.Tell("left out: %d of %s without a token", e.empty, of)
	}
	if e.left > 0 {
		set.Warn("left out: %d of %s with tokens that are in no training text, as %.40q", e.left, of, e.strange)
	}
}
