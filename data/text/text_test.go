package text

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/realdata"
)

// file writes a file and returns its path.
func file(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	b := []byte(content)
	if strings.HasSuffix(name, ".gz") {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		w.Write(b)
		w.Close()
		b = z.Bytes()
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// texts returns the texts of a part of a set.
func texts(t testing.TB, items data.Items) []string {
	t.Helper()
	x, err := data.AllFloats(context.Background(), items)
	if err != nil {
		t.Fatal(err)
	}
	it := items.Item()
	var all []string
	for at := 0; at < len(x); at += it.Size() {
		all = append(all, it.Medium.(Medium).Text(it, x[at:at+it.Size()]))
	}
	return all
}

// notes returns the notes of a set, with ! before a warning.
func notes(set *data.Set) string {
	var all []string
	for _, n := range set.Notes {
		text := n.Named(func(field string) string { return "--" + strings.ToLower(field) }).Text
		if n.Warning {
			text = "! " + text
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

// Each way of reading gives the texts that it should, and says what it left out.
func TestOpen(t *testing.T) {
	long := strings.Repeat("a b ", 300) + "c"
	for _, tt := range []struct {
		name, content string
		opt           data.Reading
		want          []string // all texts, as they come back
		shape, ids    int
		notes         []string
	}{
		{"names.txt", "emma\nolivia\n\n emma \r\nÅsa\n", data.Reading{}, []string{"emma", "olivia", "emma", "Åsa"}, 6, 2 + 9,
			[]string{"the tokens are characters, as a text has 1 words in the mean; --tokens chooses otherwise", "a vocabulary of 9 different tokens", "left out: 1 line without a text"}},
		{"s.txt.gz", "the cat sat\nthe dog sat\na cat ran off\n", data.Reading{}, []string{"the cat sat", "the <unk> sat", "<unk> cat <unk> <unk>"}, 4, 2 + 3,
			[]string{"the tokens are words", "unknown because rarer than 2 times: 4 different tokens, 40 % of the text; --mincount 1 keeps them"}},
		{"s.txt", "the cat sat\nthe dog sat\na cat ran off\n", data.Reading{MinCount: 1, Vocabulary: 3, Length: 2}, []string{"the cat", "the <unk>", "<unk> cat"}, 2, 2 + 3,
			[]string{"! 3 of 3 texts are longer than 2 tokens, and are cut there; --length takes more", "! unknown because beyond the 3 most frequent: 4 different tokens, 40 % of the text; --vocabulary 7 keeps them"}},
		{"t.csv", "id,text,kind\n1,\"a b, c\",x\n2,b c a,y\n", data.Reading{Text: "text", Tokens: Words, MinCount: 1}, []string{"a b, c", "b c a"}, 3, 2 + 4, nil},
		{"t.tsv", "id\tsmiles\n1\tCCO\n2\tC#N\n", data.Reading{Text: "2"}, []string{"CCO", "C#N"}, 3, 2 + 4, nil},
		{"t.jsonl", "{\"sentence\":\"one\\ntwo\"}\n\n{\"sentence\":\"two\"}\n", data.Reading{Tokens: Bytes}, []string{"one two", "two"}, 7, 2 + 256,
			[]string{"the texts are in the field sentence; --text names another"}},
		{"t.ndjson", "\"ab\"\n\"ba\"\n", data.Reading{}, []string{"ab", "ba"}, 2, 2 + 2, nil},
		{"smiles.txt", "CClBr\nClC\n", data.Reading{Tokens: "Cl|Br|.", MinCount: 1}, []string{"CClBr", "ClC"}, 3, 2 + 3, nil},
		{"words.txt", "It's so, isn't it?\nso it's.\n", data.Reading{Tokens: `[\w']+`, MinCount: 1}, []string{"It's so isn't it", "so it's"}, 4, 2 + 5,
			[]string{"! the regular expression --tokens [\\w']+ leaves out letters at 3 places, as no match covers them"}},
		{"latin.txt", "caf\xe9\ncafe\n", data.Reading{}, []string{"café", "cafe"}, 4, 2 + 5, []string{"! 1 line is not UTF-8, and read as Windows-1252 (Latin-1)"}},
		{"long.txt", long + "\n" + long + "\n", data.Reading{}, slices.Repeat([]string{strings.TrimSpace(strings.Repeat("a b ", 30))}, 2), 60, 2 + 3, []string{"! 2 of 2 texts are longer than 60 tokens"}},
	} {
		set, err := Open(context.Background(), file(t, tt.name, tt.content), data.Options{Whole: true, Reading: tt.opt})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		it := set.Item()
		if got := texts(t, set.Train.Items); !slices.Equal(got, tt.want) || it.Size() != tt.shape || it.Vocabulary != tt.ids {
			t.Errorf("%s: %q of %v with %d ids, want %q of %d with %d", tt.name, got, it, it.Vocabulary, tt.want, tt.shape, tt.ids)
		}
		for _, want := range tt.notes {
			if !strings.Contains(notes(set), want) {
				t.Errorf("%s: notes\n%s\nwant %q", tt.name, notes(set), want)
			}
		}
		if err := set.Validate(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		opt           data.Options
		want          string
	}{
		{"empty.txt", "\n \n", data.Options{}, "not a file of texts: there is no text in it"},
		{"a.txt", "a\x00b\n", data.Options{}, "line 1 has a zero byte"},
		{"a.txt", strings.Repeat("x", maxLine+1), data.Options{}, "a line of more than 1048576 bytes is no short text"},
		{"a.jsonl", "{\"x\":1}\n", data.Options{}, "which field holds the texts? want Text, one of x"},
		{"a.jsonl", "{\"text\":\"a\"}\n[1]\n", data.Options{}, "line 2 is neither a JSON string nor an object"},
		{"a.jsonl", "{\"text\":\"a\"\n", data.Options{}, "line 1 is not JSON"},
		{"a.csv", "id,text\n1,a\n", data.Options{Reading: data.Reading{Text: "txt"}}, `Text "txt": no such column`},
		{"a.csv", "id,text\n1\n", data.Options{Reading: data.Reading{Text: "text"}}, "line 2 has 1 cell, want 2"},
		{"a.txt", "a b\n", data.Options{Reading: data.Reading{Tokens: "["}}, "nor a regular expression"},
		{"a.txt", "a b\n", data.Options{Reading: data.Reading{Tokens: "x*"}}, "matches a text of no letter"},
		{"a.txt", "a b\n", data.Options{Reading: data.Reading{Tokens: Words}}, "no token occurs 2 times: want a smaller MinCount"},
		{"a.txt", "a\n", data.Options{Label: "kind"}, "name that of the texts with Text"},
		{"a.txt.gz", "", data.Options{}, "there is no text in it"},
	} {
		_, err := Open(context.Background(), file(t, tt.name, tt.content), tt.opt)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.name) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Labels come from a column or a field, and equal texts are in the same part.
func TestLabelsAndParts(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "{\"text\":\"t%d\",\"kind\":\"k%d\"}\n", i%10, i%2)
	}
	set, err := Open(context.Background(), file(t, "l.jsonl", b.String()), data.Options{Label: "kind", TestFraction: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(set.Classes, []string{"k0", "k1"}) || len(set.Test.Labels) != set.Test.Len() || set.Validate() != nil {
		t.Errorf("classes %v, %d labels, %v", set.Classes, len(set.Test.Labels), set.Validate())
	}
	for i, text := range texts(t, set.Test.Items) {
		if slices.Contains(texts(t, set.Train.Items), text) {
			t.Errorf("%s is in both parts", text)
		}
		if want := int32(text[1]-'0') % 2; set.Test.Labels[i] != want {
			t.Errorf("%s has label %d, want %d", text, set.Test.Labels[i], want)
		}
	}
}

// New texts are read by the vocabulary of a model; those with strange characters are left out.
func TestTextsOfAModel(t *testing.T) {
	open := func(content string, opt data.Options) *data.Set {
		t.Helper()
		opt.Whole = true
		set, err := Open(context.Background(), file(t, "n.txt", content), opt)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	m := open("abc\nbca\n", data.Options{}).Item().Medium
	set := open("cab\nxyz\naaaa\n", data.Options{Medium: m})
	if got := texts(t, set.Train.Items); !slices.Equal(got, []string{"cab", "aaa"}) || !strings.Contains(notes(set), "! left out: 1 of 3 texts with tokens that are in no training text, as \"x\"") || set.Item().Vocabulary != 5 {
		t.Errorf("%q, %s", got, notes(set))
	}
	words := open("a b a b\nc a b a\n", data.Options{Reading: data.Reading{Tokens: Words}}).Item().Medium
	if got := texts(t, open("a zebra\n", data.Options{Medium: words}).Train.Items); !slices.Equal(got, []string{"a <unk>"}) {
		t.Errorf("%q", got)
	}
}

// An item is written, read, drawn and saved as the same.
func TestMedium(t *testing.T) {
	m := Medium{Tokens: Words, Vocabulary: []string{"the", "cat", "sat"}, Joint: " ", Length: 4}
	it := Item(m)
	if err := it.Check(); err != nil {
		t.Fatal(err)
	}
	x, err := m.Decode(it, []byte("the cat\n\nsat the cat sat\r\n"))
	if err != nil || !slices.Equal(x, []float32{2, 3, 0, 0, 4, 2, 3, 4}) {
		t.Fatalf("%v, %v", x, err)
	}
	if b, err := m.Encode(it, x); string(b) != "the cat\nsat the cat sat\n" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	for file, want := range map[string]string{
		"the cat sat the cat": "line 1 has 5 tokens: want at most 4",
		"the dog":             `line 1: "dog" is in no text that the model was trained on`,
		"\n":                  "there is no text in it",
		"\xff":                "it is not UTF-8",
	} {
		if _, err := m.Decode(it, []byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
	if id, ok := medium.End(it); id != 0 || !ok || medium.Noun(it) != "text" || medium.ValueNoun(it) != "token" {
		t.Errorf("ends with %d, %v", id, ok)
	}
	pix, h, w, c, err := medium.Draw(it, x)
	dark := 0
	for _, v := range pix[:h*w*c] {
		if v < 0.5 {
			dark++
		}
	}
	if err != nil || dark < 30 || dark > h*w/2 {
		t.Errorf("%d of %dx%d pixels are dark, %v", dark, h, w, err)
	}
	var r medium.Registry
	r.Register(Kind())
	s, err := medium.Save(it)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := json.Marshal(s); string(b) != `{"medium":"text","shape":[4],"element":"tokens","vocabulary":5,"settings":{"tokens":"words","vocabulary":["the","cat","sat"],"joint":" ","length":4}}` {
		t.Errorf("%s", b)
	}
	if back, err := r.Open(s); err != nil || !back.Equal(it) {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []Medium{
		{Tokens: Words, Vocabulary: []string{"a", "a"}, Length: 4}, {Tokens: Words, Vocabulary: []string{""}, Length: 4}, {Tokens: "(", Length: 4}, {Length: 4},
		{Tokens: Bytes, Vocabulary: []string{"a"}, Length: 4}, {Tokens: Words, Length: 1}, {Tokens: Words, Length: 513},
	} {
		if Item(bad).Check() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"ab cd":                  {"ab cd"},
		"abc defgh":              {"abc", "defgh"},
		"abcdefgh":               {"abcdef", "gh"},
		"abc defgh ij klmnop qr": {"abc", "defgh…"},
	} {
		if got := wrap(text, 6, 2); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Real texts have the numbers that their authors give.
func TestRealTexts(t *testing.T) {
	ptb, err := Open(context.Background(), realdata.Path(t, "ptb/ptb.train.txt.gz"), data.Options{Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	if it := ptb.Item(); ptb.Train.Len() != 42068 || it.Size() != 60 || it.Vocabulary != 2+9968 {
		t.Errorf("%d texts of %v with %d ids: %s", ptb.Train.Len(), it, it.Vocabulary, notes(ptb))
	}
	qm9, err := Open(context.Background(), realdata.Path(t, "qm9/0SelectedSMILES_QM9.txt.gz"), data.Options{Whole: true, Reading: data.Reading{Text: "smiles"}})
	if err != nil {
		t.Fatal(err)
	}
	if it := qm9.Item(); qm9.Train.Len() != 132_040 || it.Size() != 22 || it.Vocabulary != 2+13 {
		t.Errorf("%d texts of %v with %d ids: %s", qm9.Train.Len(), it, it.Vocabulary, notes(qm9))
	}
}

// A file is read, or the error says that it holds no texts; and what is read is written and read as the same.
func FuzzOpen(f *testing.F) {
	for name, content := range map[string]string{"a.txt": "ab\ncd e\n", "b.csv": "id,text\n1,\"a\nb\"\n", "c.jsonl": "{\"text\":\"x\"}\n\"y\"\n", "d.txt.gz": "\x1f\x8b"} {
		f.Add(name, []byte(content), "text", "words")
		f.Add(name, []byte(content), "", ".")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name string, b []byte, column, tokens string) {
		path := filepath.Join(dir, "x"+form("a."+filepath.Base(name)))
		if strings.ContainsRune(path, 0) || os.WriteFile(path, b, 0o666) != nil {
			return
		}
		set, err := Open(context.Background(), path, data.Options{Whole: true, Reading: data.Reading{Text: column, Tokens: tokens, MinCount: 1}})
		if err != nil {
			return
		}
		if err := set.Validate(); err != nil {
			t.Fatal(err)
		}
		it := set.Item()
		x, err := data.AllFloats(context.Background(), set.Train.Items)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range x {
			if v < 0 || int(v) >= it.Vocabulary {
				t.Fatalf("id %v of %d", v, it.Vocabulary)
			}
		}
		file, err := it.Medium.Encode(it, x)
		if err != nil || bytes.Count(file, []byte("\n")) != set.Train.Len() {
			t.Fatalf("%q, %v", file, err)
		}
	})
}

// A file that a user names is decoded, or the error says why; the result has ids of the vocabulary.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("the cat\n"), true)
	f.Add([]byte("\xff\n\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, unknown bool) {
		for _, m := range []Medium{{Tokens: Words, Vocabulary: []string{"the", "cat"}, Joint: " ", Length: 4, Unknown: unknown}, {Tokens: Bytes, Length: 8}, {Tokens: Characters, Vocabulary: []string{"a"}, Length: 3, Unknown: unknown}} {
			it := Item(m)
			x, err := m.Decode(it, b)
			if err != nil {
				if x != nil || !errors.Is(err, ErrFormat) && !strings.HasPrefix(err.Error(), "text: line ") {
					t.Fatal(err)
				}
				continue
			}
			for _, v := range x {
				if v < 0 || int(v) >= it.Vocabulary {
					t.Fatalf("id %v of %d", v, it.Vocabulary)
				}
			}
		}
	})
}
