package text

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A tokenizer divides texts into tokens.
type tokenizer struct {
	how string
	re  *regexp.Regexp // of a regular expression
}

// maxPattern bounds the bytes of a regular expression, which a file may give.
const maxPattern = 1 << 12

// tokenizer returns that of the medium. It fails if Tokens is no regular expression.
func (m Medium) tokenizer() (tokenizer, error) {
	t := tokenizer{how: m.Tokens}
	switch m.Tokens {
	case Characters, Words, Bytes:
		return t, nil
	}
	if m.Tokens == "" || len(m.Tokens) > maxPattern {
		return t, fmt.Errorf("tokens %.40q: want %s, %s, %s or a regular expression of at most %d bytes", m.Tokens, Characters, Words, Bytes, maxPattern)
	}
	var err error
	if t.re, err = regexp.Compile(m.Tokens); err != nil {
		return t, fmt.Errorf("tokens %q: neither %s, %s nor %s, nor a regular expression: %w", m.Tokens, Characters, Words, Bytes, err)
	}
	if t.re.MatchString("") {
		return t, fmt.Errorf("tokens %q: the regular expression matches a text of no letter", m.Tokens)
	}
	return t, nil
}

// A loss counts what stands between the matches of a regular expression.
type loss struct{ blanks, others int }

// split returns the tokens of a text. What no match covers is added to lost, unless that is nil.
func (t tokenizer) split(text string, lost *loss) []string {
	switch t.how {
	case Words:
		return strings.Fields(text)
	case Bytes, Characters:
		tokens := make([]string, 0, len(text))
		for i := 0; i < len(text); {
			n := 1
			if t.how == Characters {
				_, n = utf8.DecodeRuneInString(text[i:])
			}
			tokens = append(tokens, text[i:i+n])
			i += n
		}
		return tokens
	}
	var tokens []string
	at := 0
	between := func(gap string) {
		if gap == "" || lost == nil {
			return
		}
		if strings.TrimSpace(gap) == "" {
			lost.blanks++
		} else {
			lost.others++
		}
	}
	for _, m := range t.re.FindAllStringIndex(text, -1) {
		between(text[at:m[0]])
		tokens = append(tokens, text[m[0]:m[1]])
		at = m[1]
	}
	between(text[at:])
	return tokens
}
