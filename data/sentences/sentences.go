// Package sentences makes short English sentences by a small grammar, so that imago has texts
// without a file or a network connection.
//
// A sentence is a statement or a question, in the present or in the past, with a subject of one or
// of several, and it may be negative: "did the two old dogs not chase a red ball in the garden ?".
// These four are the attributes of a sentence, so that a direction of the codes can be found for
// each. The set has 20,000 training and 2,000 test sentences of words, none of which is in
// both parts.
//
// Sentence i is drawn from a random key of its own: the set is the same on every processor. Use
// Source to register it, Draw for a single sentence. The package must not know any model or use
// the network.
package sentences

import (
	"context"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/text"
	"github.com/imago-ml/imago/engine/rng"
)

// The set. Its seed is fixed: sentences is one set.
const (
	Name   = "sentences"
	NTrain = 20_000
	NTest  = 2_000

	seed = 1
)

// Attributes are the names of those of a sentence, in the order of Draw.
var Attributes = []string{"plural", "past", "negative", "question"}

// Source returns the set as data.Registry takes it.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "English sentences made by a grammar of imago itself: 20,000 + 2,000 of at most 17 words, 4 attributes; nothing to download",
		Load:  load,
	}
}

func load(ctx context.Context, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	if opt.Tokens == "" {
		opt.Tokens = text.Words
	}
	key := rng.New(seed).Split(Name)
	seen := map[string]bool{}
	var parts [2][]string
	var attributes [2][]uint8
	for i := 0; len(parts[1]) < NTest; i++ {
		s, a := Draw(key.At(uint64(i)))
		if seen[s] {
			continue
		}
		seen[s] = true
		k := 0
		if len(parts[0]) == NTrain {
			k = 1
		}
		parts[k] = append(parts[k], s)
		attributes[k] = append(attributes[k], a...)
	}
	set, err := text.Make(ctx, Name, parts[0], parts[1], opt)
	if err != nil {
		return nil, err
	}
	set.Attributes = Attributes
	for k, p := range []*data.Split{&set.Train, &set.Test} {
		for i := range p.Len() { // a vocabulary of a model's may leave some out
			row := p.Origin(i).Row * len(Attributes)
			p.Attributes = append(p.Attributes, attributes[k][row:row+len(Attributes)]...)
		}
	}
	return set, nil
}

// A noun has a form for one and one for several.
type noun struct{ one, several string }

// A verb has the form of one in the present, of several, and of the past.
type verb struct{ one, several, past string }

// The words of the grammar.
var (
	people = []noun{{"girl", "girls"}, {"boy", "boys"}, {"teacher", "teachers"}, {"farmer", "farmers"}, {"woman", "women"}, {"man", "men"}, {"child", "children"}, {"sailor", "sailors"}}
	beasts = []noun{{"cat", "cats"}, {"dog", "dogs"}, {"horse", "horses"}, {"bird", "birds"}, {"fox", "foxes"}, {"mouse", "mice"}}
	things = []noun{{"ball", "balls"}, {"book", "books"}, {"boat", "boats"}, {"letter", "letters"}, {"apple", "apples"}, {"box", "boxes"}, {"flower", "flowers"}, {"hat", "hats"}}
	looks  = []string{"old", "young", "small", "big", "happy", "tired", "quiet", "brave"}
	hues   = []string{"red", "blue", "green", "white", "heavy", "new", "little", "broken"}
	verbs  = []verb{{"sees", "see", "saw"}, {"finds", "find", "found"}, {"takes", "take", "took"}, {"wants", "want", "wanted"}, {"carries", "carry", "carried"}, {"likes", "like", "liked"}, {"brings", "bring", "brought"}, {"hides", "hide", "hid"}}
	chases = []verb{{"follows", "follow", "followed"}, {"chases", "chase", "chased"}, {"watches", "watch", "watched"}, {"hears", "hear", "heard"}}
	places = []string{"in the garden", "in the house", "near the river", "on the hill", "behind the school", "under the tree", "at the harbour", "in the snow"}
	now    = []string{"today", "every day", "now", "in the morning"}
	then   = []string{"yesterday", "last week", "one day", "long ago"}
	counts = []string{"two", "three", "many", "some"}
)

// Draw returns the sentence drawn from a key, and which of Attributes it has, 0 or 1 each.
func Draw(key rng.Key) (sentence string, attributes []uint8) {
	u := make([]float32, 24)
	key.Uniform(u)
	at := 0
	below := func(n int) int {
		at++
		return int(u[at-1] * float32(n))
	}
	chance := func(percent int) bool { return below(100) < percent }
	var words []string
	say := func(some ...string) { words = append(words, some...) }

	plural, past, negative, question := chance(45), chance(50), chance(25), chance(25)
	subject := people
	if chance(45) {
		subject = beasts
	}
	who := subject[below(len(subject))]
	v := verbs[below(len(verbs))]
	object, describes := things, hues
	if chance(35) {
		v, object, describes = chases[below(len(chases))], beasts, looks
	}
	what := object[below(len(object))]

	switch {
	case question && past:
		say("did")
	case question && plural:
		say("do")
	case question:
		say("does")
	}
	switch {
	case plural && chance(50):
		say("the")
		if chance(30) {
			say(counts[below(2)])
		}
	case plural:
		say(counts[below(len(counts))])
	default:
		say([]string{"the", "a"}[below(2)])
	}
	if chance(40) {
		say(article(&words, looks[below(len(looks))]))
	}
	if plural {
		say(who.several)
	} else {
		say(who.one)
	}
	switch {
	case question && negative:
		say("not", v.several)
	case question:
		say(v.several)
	case negative && past:
		say("did", "not", v.several)
	case negative && plural:
		say("do", "not", v.several)
	case negative:
		say("does", "not", v.several)
	case past:
		say(v.past)
	case plural:
		say(v.several)
	default:
		say(v.one)
	}
	many := chance(35)
	if many {
		say([]string{"the", counts[below(len(counts))]}[below(2)])
	} else {
		say([]string{"the", "a"}[below(2)])
	}
	if chance(40) {
		say(article(&words, describes[below(len(describes))]))
	}
	if many {
		say(what.several)
	} else {
		say(article(&words, what.one))
	}
	if chance(45) {
		say(places[below(len(places))])
	}
	if chance(35) {
		if past {
			say(then[below(len(then))])
		} else {
			say(now[below(len(now))])
		}
	}
	if question {
		say("?")
	} else {
		say(".")
	}
	for _, is := range []bool{plural, past, negative, question} {
		attributes = append(attributes, 0)
		if is {
			attributes[len(attributes)-1] = 1
		}
	}
	return strings.Join(words, " "), attributes
}

// article returns word, and makes the a before it an an where it begins with a vowel.
func article(words *[]string, word string) string {
	if last := len(*words) - 1; last >= 0 && (*words)[last] == "a" && strings.ContainsRune("aeiou", rune(word[0])) {
		(*words)[last] = "an"
	}
	return word
}
