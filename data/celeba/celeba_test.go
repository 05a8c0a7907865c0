package celeba

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/realdata"
)

// A layout is the files of a small set, as text and bytes, to be spoiled and written.
type layout struct {
	attributes, partition string
	pictures              map[string][]byte
}

// small returns six images of parts 0 0 1 2 0 2, image i of grey level 20·i at the middle
// 4×4, white around it; its attributes are the bits of i.
func small(t testing.TB) layout {
	t.Helper()
	l := layout{attributes: "6\r\nSmiling Male  Young \r\n", pictures: map[string][]byte{}}
	for i, part := range []int{0, 0, 1, 2, 0, 2} {
		name := fmt.Sprintf("%06d.jpg", i+1)
		l.partition += fmt.Sprintf("%s %d\r\n", name, part)
		l.attributes += name
		for bit := range 3 {
			l.attributes += fmt.Sprintf(" %2d", 2*(i>>bit&1)-1)
		}
		l.attributes += "\r\n"
		m := imageio.New(10, 8, 3)
		for j := range m.Pix {
			m.Pix[j] = 255
		}
		for y := 3; y < 7; y++ {
			for x := 2; x < 6; x++ {
				for c := range 3 {
					m.Row(y)[3*x+c] = uint8(20 * i)
				}
			}
		}
		var b bytes.Buffer
		if err := imageio.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		l.pictures[name] = b.Bytes()
	}
	return l
}

// write puts the layout into a new folder, the pictures zipped or not.
func (l layout) write(t testing.TB, zipped bool) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	put("list_attr_celeba.txt", []byte(l.attributes))
	put("list_eval_partition.txt", []byte(l.partition))
	if zipped {
		files := map[string][]byte{}
		for name, b := range l.pictures {
			files["img_align_celeba/"+name] = b
		}
		put("img_align_celeba.zip", zipOf(t, files))
		return dir
	}
	put("img_align_celeba/.hidden", nil)
	for name, b := range l.pictures {
		put("img_align_celeba/"+name, b)
	}
	return dir
}

func zipOf(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(t testing.TB, dir string, opt data.Options) (*data.Set, error) {
	t.Helper()
	t.Setenv("IMAGO_DATA", "")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "home"))
	opt.DataDir = dir
	return Source().Load(t.Context(), opt)
}

func first(t *testing.T, im data.Items, i int) uint8 {
	t.Helper()
	h, w, c, _ := medium.HWC(im.Item())
	b := make([]uint8, h*w*c)
	if err := im.At(i, b); err != nil {
		t.Fatal(err)
	}
	return b[0]
}

func TestSplitsAndAttributes(t *testing.T) {
	var digest string
	for _, zipped := range []bool{false, true} {
		set, err := load(t, small(t).write(t, zipped), data.Options{Crop: 4, Size: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := set.Validate(); err != nil {
			t.Error(err)
		}
		if h, w, c, _ := medium.HWC(set.Item()); h != 2 || w != 2 || c != 3 || set.Train.Len() != 3 || set.Test.Len() != 2 {
			t.Fatalf("%d and %d of %dx%dx%d", set.Train.Len(), set.Test.Len(), h, w, c)
		}
		if !slices.Equal(set.Attributes, []string{"Smiling", "Male", "Young"}) || set.Classes != nil {
			t.Errorf("attributes %v, classes %v", set.Attributes, set.Classes)
		}
		for _, p := range []struct {
			data.Split
			want []int
		}{{set.Train, []int{0, 1, 4}}, {set.Test, []int{3, 5}}} {
			for j, i := range p.want {
				if v := first(t, p.Items, j); v != uint8(20*i) {
					t.Errorf("image %d: level %d, want that of image %d: %d", j, v, i, 20*i)
				}
				for bit := range 3 {
					if got := p.Attributes[3*j+bit]; int(got) != i>>bit&1 {
						t.Errorf("image %d: attribute %d is %d", i, bit, got)
					}
				}
			}
		}
		if digest != "" && set.Digest != digest {
			t.Error("folder and zip have different digests")
		}
		digest = set.Digest
	}
}

// TestOptionsAndDigest checks that the digest and the pixels depend on every option and
// on every entry of the lists.
func TestOptionsAndDigest(t *testing.T) {
	l := small(t)
	l.attributes = strings.Replace(l.attributes, "000002.jpg  1", "000002.jpg -1", 1)
	seen := map[string]string{}
	for _, tt := range []struct {
		name string
		l    layout
		opt  data.Options
		h, c int
		at   uint8 // the corner of image 0
	}{
		{"defaults", small(t), data.Options{}, 64, 3, 255},
		{"crop", small(t), data.Options{Crop: 4}, 64, 3, 0},
		{"size", small(t), data.Options{Size: 8}, 8, 3, 255},
		{"both", small(t), data.Options{Size: 4, Crop: 4}, 4, 3, 0},
		{"grey", small(t), data.Options{Gray: true}, 64, 1, 255},
		{"an attribute", l, data.Options{}, 64, 3, 255},
	} {
		set, err := load(t, tt.l.write(t, true), tt.opt)
		if err != nil {
			t.Fatal(err)
		}
		if h, w, c, _ := medium.HWC(set.Item()); h != tt.h || w != tt.h || c != tt.c {
			t.Errorf("%s: %dx%dx%d", tt.name, h, w, c)
		}
		if v := first(t, set.Train.Items, 0); v != tt.at {
			t.Errorf("%s: the corner is %d, want %d", tt.name, v, tt.at)
		}
		if other, ok := seen[set.Digest]; ok {
			t.Errorf("%s has the digest of %s", tt.name, other)
		}
		seen[set.Digest] = tt.name
	}
	if _, err := load(t, small(t).write(t, true), data.Options{Size: -1}); err == nil {
		t.Error("size -1 passed")
	}
}

// TestDefaultCrop checks that by default the middle 148×148 of 178×218 pixels is used.
func TestDefaultCrop(t *testing.T) {
	m := imageio.New(218, 178, 1)
	for y := range m.H {
		for x := range m.W {
			if y < 35 || y >= 35+148 || x < 15 || x >= 15+148 {
				m.Row(y)[x] = 255
			}
		}
	}
	var b bytes.Buffer
	if err := imageio.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	l := small(t)
	for name := range l.pictures {
		l.pictures[name] = b.Bytes()
	}
	for crop, white := range map[int]bool{0: false, 148: false, 152: true} {
		set, err := load(t, l.write(t, false), data.Options{Crop: crop, Size: 32})
		if err != nil {
			t.Fatal(err)
		}
		pix := make([]uint8, 32*32*3)
		if err := set.Test.Items.At(0, pix); err != nil || (slices.Max(pix) > 0) != white {
			t.Errorf("crop %d: levels up to %d (%v)", crop, slices.Max(pix), err)
		}
	}
}

// TestLayouts checks that the lists may be zipped, be in the authors' folders, and
// contain more than necessary.
func TestLayouts(t *testing.T) {
	l := small(t)
	want, err := load(t, l.write(t, false), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, b []byte) {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	l.attributes = strings.Replace(l.attributes, "6\r\n", "\ufeff7\r\n", 1) + "000009.jpg 1 1 1\r\n\r\n"
	put("celeba/Anno/list_attr_celeba.zip", zipOf(t, map[string][]byte{"list_attr_celeba.txt": []byte(l.attributes)}))
	put("celeba/Eval/list_eval_partition.txt", []byte(strings.ReplaceAll(l.partition, "\r", "")))
	l.pictures["000009.jpg"] = l.pictures["000001.jpg"]
	for name, b := range l.pictures {
		put("celeba/Img/img_align_celeba/img_align_celeba/"+name, b)
	}
	got, err := load(t, dir, data.Options{})
	if err != nil || got.Digest != want.Digest {
		t.Errorf("the set differs (%v)", err)
	}
	if !slices.ContainsFunc(got.Notes, func(n data.Note) bool { return n.Warning && strings.Contains(n.Text, "000009.jpg in ") }) {
		t.Errorf("of the picture that is in no list: %v", got.Notes)
	}
	// As a path.
	var r data.Registry
	r.RegisterOpener(Opener())
	byPath, err := r.Open(t.Context(), small(t).write(t, true), data.Options{Size: 5})
	if err != nil || byPath.Train.Len() != 3 || len(byPath.Attributes) != 3 {
		t.Errorf("by its path: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	replace := func(s *string, old, new string) {
		t.Helper()
		if !strings.Contains(*s, old) {
			t.Fatalf("no %q", old)
		}
		*s = strings.Replace(*s, old, new, 1)
	}
	for _, tt := range []struct {
		name  string
		spoil func(l *layout)
		says  []string
	}{
		{"no row of attributes", func(l *layout) {
			replace(&l.attributes, "6\r", "5\r")
			replace(&l.attributes, "000003.jpg -1  1 -1\r\n", "")
		}, []string{"list_attr_celeba.txt has no row for 000003.jpg", "list_eval_partition.txt"}},
		{"rows of attributes cut off", func(l *layout) { l.attributes = l.attributes[:strings.Index(l.attributes, "000004")] },
			[]string{"list_attr_celeba.txt", "3 rows, but line 1 says 6", "get the list again"}},
		{"two rows not there", func(l *layout) {
			l.attributes = "4" + l.attributes[1:strings.Index(l.attributes, "000005")]
		}, []string{"no row for 000005.jpg and 1 more"}},
		{"a short row", func(l *layout) { replace(&l.attributes, "000003.jpg -1  1 -1", "000003.jpg -1 1") },
			[]string{"list_attr_celeba.txt", "line 5", "2 values for 000003.jpg, want 3"}},
		{"another value", func(l *layout) { replace(&l.attributes, "000003.jpg -1  1 -1", "000003.jpg -1 1 0") },
			[]string{"line 5", `"0" for Young of 000003.jpg, want 1 or -1`}},
		{"an image twice", func(l *layout) { replace(&l.attributes, "000003", "000002") }, []string{"line 5", "000002.jpg for the second time"}},
		{"an attribute twice", func(l *layout) { replace(&l.attributes, "Male", "Smiling") }, []string{"line 2", "Smiling for the second time"}},
		{"no count", func(l *layout) { l.attributes = l.attributes[3:] }, []string{"line 1", "want the number of rows"}},
		{"no names", func(l *layout) { replace(&l.attributes, "Smiling Male  Young \r\n", "") }, []string{"line 2", "the line of names is missing"}},
		{"a page", func(l *layout) { l.attributes = "<!DOCTYPE html><p>404" }, []string{"list_attr_celeba.txt", "found an HTML page"}},
		{"a picture", func(l *layout) { l.partition = string(l.pictures["000001.jpg"]) }, []string{"list_eval_partition.txt", "a PNG image"}},
		{"nothing", func(l *layout) { l.partition = "\r\n" }, []string{"list_eval_partition.txt", "it is empty"}},
		{"another part", func(l *layout) { replace(&l.partition, "000002.jpg 0", "000002.jpg 3") },
			[]string{"list_eval_partition.txt", "line 2", "want the name of an image and 0, 1 or 2"}},
		{"listed twice", func(l *layout) { replace(&l.partition, "000002", "000001") }, []string{"line 2", "000001.jpg for the second time"}},
		{"a picture is absent", func(l *layout) { delete(l.pictures, "000003.jpg") },
			[]string{"lists 000003.jpg, which ", "lacks", "take such rows out of the list"}},
		{"pictures are absent", func(l *layout) {
			delete(l.pictures, "000003.jpg")
			delete(l.pictures, "000005.jpg")
		}, []string{"lists 000003.jpg and 1 more, which "}},
		{"a text for a picture", func(l *layout) { l.pictures["000004.jpg"] = []byte("hello\n") }, []string{"000004.jpg", "found text"}},
		{"a picture cut short", func(l *layout) { l.pictures["000004.jpg"] = l.pictures["000004.jpg"][:60] }, []string{"000004.jpg"}},
		{"no training part", func(l *layout) { l.partition = strings.ReplaceAll(l.partition, " 0\r", " 1\r") }, []string{"no image of part 0"}},
	} {
		for _, zipped := range []bool{false, true} {
			l := small(t)
			tt.spoil(&l)
			_, err := load(t, l.write(t, zipped), data.Options{})
			for _, want := range tt.says {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: %v, want one line with %q", tt.name, err, want)
				}
			}
		}
	}
}

// TestMissing checks that the error and Get report where missing files can be obtained
// and where to put them.
func TestMissing(t *testing.T) {
	dir := t.TempDir()
	_, err := load(t, dir, data.Options{})
	for _, err := range []error{err, Source().Get(t.Context(), data.Options{DataDir: dir})} {
		for _, want := range []string{"img_align_celeba.zip", home, filepath.Join(dir, "celeba"), "DataDir"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(l *layout)
		bad   int // index of the file that is, or −1
	}{
		{"good", func(*layout) {}, -1},
		{"picture", func(l *layout) { l.pictures["000003.jpg"] = []byte("hello") }, 0}, // of the validation part
		{"absent", func(l *layout) { delete(l.pictures, "000003.jpg") }, 0},
		{"attributes", func(l *layout) { l.attributes = "6\nA" }, 1},
		{"partition", func(l *layout) { l.partition = "x" }, 2},
	} {
		for _, zipped := range []bool{false, true} {
			l := small(t)
			tt.spoil(&l)
			dir := l.write(t, zipped)
			t.Setenv("IMAGO_DATA", "")
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			opt := data.Options{DataDir: dir}
			status, err := Source().Verify(t.Context(), opt)
			if err != nil || len(status) != 3 {
				t.Fatalf("%s: %v, %v", tt.name, status, err)
			}
			for i, s := range status {
				if (s.Err != nil) != (i == tt.bad) || s.Err == nil && tt.bad <= 0 && (len(s.SHA256) != 64 || s.Size == 0) {
					t.Errorf("%s: %+v", tt.name, s)
				}
			}
			if err := Source().Get(t.Context(), opt); (err != nil) != (tt.bad >= 0) {
				t.Errorf("%s: get: %v", tt.name, err)
			}
			found, err := Source().Find(t.Context(), opt)
			if err != nil || len(found) != 3 || found[0].Err != nil || found[0].Path == "" {
				t.Errorf("%s: find: %v, %v", tt.name, found, err)
			}
		}
	}
}

// TestCache checks that a set of some size is kept decoded, and that a change of the
// files used is noticed.
func TestCache(t *testing.T) {
	l := small(t)
	dir := l.write(t, false)
	open := func(opt data.Options) string {
		set, err := load(t, dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		return set.Digest
	}
	const large = 1200 // 5 images of 4.3 MB
	a := open(data.Options{Size: large})
	if n := len(data.CachedFiles(data.Options{DataDir: dir})); n != 1 {
		t.Errorf("%d files are kept, want one", n)
	}
	// What has the time and size it had is not opened again.
	name := filepath.Join(dir, "img_align_celeba", "000001.jpg")
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(name, make([]byte, info.Size()), 0o666), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if open(data.Options{Size: large}) != a {
		t.Error("what is kept is another set")
	}
	if err := os.WriteFile(name, l.pictures["000002.jpg"], 0o666); err != nil {
		t.Fatal(err)
	}
	if b := open(data.Options{Size: large}); b == a || len(data.CachedFiles(data.Options{DataDir: dir})) != 2 {
		t.Error("a changed picture is not seen")
	}
}

// TestReal opens the subset of real photographs.
func TestReal(t *testing.T) {
	realdata.Path(t, "celeba/img_align_celeba.zip")
	dir := os.Getenv("IMAGO_DATA")
	set, err := load(t, dir, data.Options{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	if h, w, c, _ := medium.HWC(set.Item()); h != 64 || w != 64 || c != 3 || set.Train.Len() != 4000 || set.Test.Len() != 500 || len(set.Attributes) != 40 {
		t.Errorf("%d and %d of %dx%dx%d, %d attributes", set.Train.Len(), set.Test.Len(), h, w, c, len(set.Attributes))
	}
	male := slices.Index(set.Attributes, "Male")
	n := 0
	for i := range set.Train.Len() {
		n += int(set.Train.Attributes[40*i+male])
	}
	if n < 1600 || n > 2000 { // 2,236 of all 5,000
		t.Errorf("%d of 4,000 are Male", n)
	}
}

// TestRealLists reads the published lists, all 202,599 rows.
func TestRealLists(t *testing.T) {
	a, err := read(realdata.Path(t, "celeba/full/list_attr_celeba.zip"), readAttributes)
	if err != nil || len(a.row) != 202599 || len(a.names) != 40 {
		t.Fatalf("%d rows of %d names: %v", len(a.row), len(a.names), err)
	}
	r, err := read(realdata.Path(t, "celeba/full/list_eval_partition.txt"), readRoster)
	if err != nil {
		t.Fatal(err)
	}
	var n [numParts]int
	for _, p := range r.parts {
		n[p]++
	}
	if n != [numParts]int{162770, 19867, 19962} {
		t.Errorf("parts %v", n)
	}
}

func FuzzAttributes(f *testing.F) {
	l := small(f)
	f.Add([]byte(l.attributes), []byte(l.partition))
	f.Add([]byte("1\nA B\nx 1 -1"), []byte("x 0"))
	f.Add([]byte("99999999999\n"), []byte("\xff\xfe"))
	f.Add([]byte("16777216\nA\n"), []byte("x 2\x00"))
	f.Fuzz(func(t *testing.T, attributes, partition []byte) {
		a, err := readAttributes(bytes.NewReader(attributes))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("bad bytes gave %v", err)
			}
		} else if len(a.values) != len(a.row)*len(a.names) {
			t.Errorf("%d values for %d rows of %d", len(a.values), len(a.row), len(a.names))
		}
		r, err := readRoster(bytes.NewReader(partition))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("bad bytes gave %v", err)
			}
			return
		}
		if len(r.names) == 0 || len(r.names) != len(r.parts) {
			t.Errorf("%d names, %d parts", len(r.names), len(r.parts))
		}
		for i, name := range r.names {
			if r.parts[i] >= numParts {
				t.Errorf("part %d", r.parts[i])
			}
			if a != nil {
				if v := a.lookup(name); v != nil && len(v) != len(a.names) {
					t.Errorf("%d values", len(v))
				}
			}
		}
	})
}

// TestKaggle reads the lists and the nested folder of Kaggle's archive: the set is the
// same as from the files of the authors.
func TestKaggle(t *testing.T) {
	l := small(t)
	want, err := load(t, l.write(t, false), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	commas := func(text, header string, skip int) []byte {
		rows := []string{header}
		for _, line := range strings.Split(strings.TrimSpace(text), "\r\n")[skip:] {
			rows = append(rows, strings.Join(strings.Fields(line), ","))
		}
		return []byte(strings.Join(rows, "\n"))
	}
	dir := t.TempDir()
	put := func(name string, b []byte) {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	put("list_attr_celeba.csv", commas(l.attributes, "image_id,Smiling,Male,Young", 2))
	put("list_eval_partition.csv", commas(l.partition, "image_id,partition", 0))
	put("list_bbox_celeba.csv", []byte("image_id,x_1,y_1,width,height\n"))
	for name, b := range l.pictures {
		put("img_align_celeba/img_align_celeba/"+name, b)
	}
	got, err := load(t, dir, data.Options{})
	if err != nil || got.Digest != want.Digest {
		t.Errorf("the set differs (%v)", err)
	}
	var r data.Registry
	r.RegisterOpener(Opener())
	byPath, err := r.Open(t.Context(), dir, data.Options{Size: 5})
	if err != nil || byPath.Train.Len() != 3 || !slices.Equal(byPath.Attributes, []string{"Smiling", "Male", "Young"}) || byPath.Train.Origin(0).String() != "000001.jpg" {
		t.Errorf("by its path: %v", err)
	}
	put("list_eval_partition.csv", []byte("image_id,partition\n000001.jpg,train\n"))
	if _, err := load(t, dir, data.Options{}); err == nil || !strings.Contains(err.Error(), `list_eval_partition.csv: not a list of CelebA: line 2: "000001.jpg train", want the name of an image and 0, 1 or 2`) {
		t.Errorf("a word for a part: %v", err)
	}
}
