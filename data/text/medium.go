package text

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
)

// Name is the name of the medium in run.json.
const Name = "text"

// Medium is the medium of short texts as sequences of tokens. An item has shape (T). Id 0 is the
// end of a text, id 1 a token that is not in the vocabulary, and id 2 + i is Vocabulary[i].
type Medium struct {
	// Tokens says how a text is divided: Characters, Words, Bytes, or a regular expression whose
	// matches are the tokens.
	Tokens     string   `json:"tokens"`
	Vocabulary []string `json:"vocabulary,omitempty"` // in falling frequency; none of bytes
	Joint      string   `json:"joint,omitempty"`      // what stands between two tokens in a text
	Length     int      `json:"length"`               // T
	// Unknown says that texts of the training part had tokens that are not in the vocabulary, so
	// that a model has learned what to do with them.
	Unknown bool `json:"unknown,omitempty"`
}

// The ways of dividing a text that have a name.
const (
	Characters = "characters"
	Words      = "words"
	Bytes      = "bytes"
)

// The ids before those of the vocabulary.
const (
	endID     = 0
	unknownID = 1
	firstID   = 2
)

// The limits of a vocabulary and of the length of a text, in tokens. A token has at most
// maxToken bytes.
const (
	MaxVocabulary = 1 << 16
	MaxLength     = 512
	minLength     = 2
	maxToken      = 1 << 10
)

// unknownWord and unknownCharacter are how a token that is not in the vocabulary is written. A
// text that holds one of them has such a token there.
const (
	unknownWord      = "<unk>"
	unknownCharacter = "\ufffd"
)

// Item returns the item of the texts of a medium. It does not check it: see
// medium.Item.Check.
func Item(m Medium) medium.Item {
	return medium.Item{Medium: m, Shape: tensor.Shape{m.Length}, Element: medium.Tokens, Vocabulary: m.ids()}
}

// Kind returns the kind of the medium, for medium.Registry.
func Kind() medium.Kind { return medium.KindOf[Medium](Name) }

// ids returns the number of ids.
func (m Medium) ids() int {
	if m.Tokens == Bytes {
		return firstID + 256
	}
	return firstID + len(m.Vocabulary)
}

// Name returns "text".
func (Medium) Name() string { return Name }

// Noun returns "text".
func (Medium) Noun() string { return "text" }

// ValueNoun returns "token".
func (Medium) ValueNoun() string { return "token" }

// End returns the id of the end of a text; see medium.Terminator.
func (Medium) End(medium.Item) int { return endID }

// Check returns an error unless item has one axis of tokens of the vocabulary, and the settings
// are within their limits.
func (m Medium) Check(item medium.Item) error {
	switch {
	case len(item.Shape) != 1 || item.Size() < minLength || item.Size() > MaxLength || item.Size() != m.Length:
		return fmt.Errorf("texts of shape %v: want one axis of the %d tokens of their medium, %d to %d", item, m.Length, minLength, MaxLength)
	case item.Element != medium.Tokens:
		return fmt.Errorf("texts of %v: want tokens", item.Element)
	case len(m.Vocabulary) > MaxVocabulary || m.Tokens == Bytes && m.Vocabulary != nil:
		return fmt.Errorf("texts of %s with a vocabulary of %d tokens: want at most %d, and none of bytes", m.Tokens, len(m.Vocabulary), MaxVocabulary)
	case item.Vocabulary != m.ids():
		return fmt.Errorf("texts of %d tokens with a vocabulary of %d: want %d", item.Vocabulary, len(m.Vocabulary), m.ids())
	}
	seen := map[string]bool{}
	for _, token := range m.Vocabulary {
		if token == "" || len(token) > maxToken || seen[token] || !utf8.ValidString(token) {
			return fmt.Errorf("the token %.40q of the vocabulary is empty, repeated, too long or not UTF-8", token)
		}
		seen[token] = true
	}
	_, err := m.tokenizer()
	return err
}

// unknown returns how a token that is not in the vocabulary is written.
func (m Medium) unknown() string {
	if m.Tokens == Characters {
		return unknownCharacter
	}
	return unknownWord
}

// Text returns the text of one item: its tokens before the end; see medium.Texter.
func (m Medium) Text(_ medium.Item, values []float32) string {
	var b strings.Builder
	for t, v := range values {
		id := int(v)
		if id == endID || id < 0 || id >= m.ids() {
			break
		}
		if t > 0 {
			b.WriteString(m.Joint)
		}
		switch {
		case id == unknownID:
			b.WriteString(m.unknown())
		case m.Tokens == Bytes:
			b.WriteByte(byte(id - firstID))
		default:
			b.WriteString(m.Vocabulary[id-firstID])
		}
	}
	return lines.Replace(strings.ToValidUTF8(b.String(), unknownCharacter))
}

// lines keeps a text on one line.
var lines = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ")

// Header returns the name of the only cell of a text; see medium.Tabular.
func (Medium) Header(medium.Item) []string { return []string{"text"} }

// Cells returns a text; see medium.Tabular.
func (m Medium) Cells(item medium.Item, values []float32) []any {
	return []any{m.Text(item, values)}
}

// Format returns text files of a text a line.
func (Medium) Format(medium.Item) medium.Format {
	return medium.Format{Extension: ".txt", Many: true}
}

// Encode returns a file of a text a line.
func (m Medium) Encode(item medium.Item, values []float32) ([]byte, error) {
	var b strings.Builder
	for at := 0; at < len(values); at += item.Size() {
		b.WriteString(m.Text(item, values[at:at+item.Size()]))
		b.WriteByte('\n')
	}
	return []byte(b.String()), nil
}

// Join returns the same file as Encode; see medium.Joiner.
func (m Medium) Join(item medium.Item, values []float32) ([]byte, error) {
	return m.Encode(item, values)
}

// Decode returns the texts of a file of a text a line; lines without a token are left out. It
// fails if a text is longer than the item, or has a token that no training text had.
func (m Medium) Decode(item medium.Item, file []byte) ([]float32, error) {
	if !utf8.Valid(file) && m.Tokens != Bytes {
		return nil, fmt.Errorf("text: %w: it is not UTF-8", ErrFormat)
	}
	t, err := m.tokenizer()
	if err != nil {
		return nil, err
	}
	ids := m.index()
	var values []float32
	for i, line := range strings.Split(strings.TrimPrefix(string(file), "\ufeff"), "\n") {
		tokens := t.split(strings.TrimSuffix(line, "\r"), nil)
		if len(tokens) == 0 {
			continue
		}
		if len(tokens) > item.Size() {
			return nil, fmt.Errorf("text: line %d has %d tokens: want at most %d, as the model was trained for", i+1, len(tokens), item.Size())
		}
		row := make([]float32, item.Size())
		for k, token := range tokens {
			id, known := m.id(ids, token)
			if !known && !m.Unknown {
				return nil, fmt.Errorf("text: line %d: %.40q is in no text that the model was trained on", i+1, token)
			}
			row[k] = float32(id)
		}
		values = append(values, row...)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("text: %w: there is no text in it", ErrFormat)
	}
	return values, nil
}

// index returns the id of each token of the vocabulary.
func (m Medium) index() map[string]int {
	ids := make(map[string]int, len(m.Vocabulary))
	for i, token := range m.Vocabulary {
		ids[token] = firstID + i
	}
	return ids
}

// id returns the id of a token, and whether it has one of its own or is the unknown one itself.
func (m Medium) id(ids map[string]int, token string) (id int, known bool) {
	if m.Tokens == Bytes {
		return firstID + int(token[0]), true
	}
	if id, ok := ids[token]; ok {
		return id, true
	}
	return unknownID, token == m.unknown()
}
