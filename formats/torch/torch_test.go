package torch_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/formats/torch"
	"github.com/imago-ml/imago/internal/python"
)

// written saves files of every kind with PyTorch, and prints what they hold.
const written = `
import torch, json, collections, sys
torch.manual_seed(1)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)
        self.fc = torch.nn.Linear(4, 5)
net = Net()
opt = torch.optim.Adam(net.parameters())
net.fc(torch.ones(1, 4)).sum().backward(); opt.step()
a = torch.arange(24.).reshape(2, 3, 4)
files = {
    "plain.pth": net.state_dict(),
    "checkpoint.pth": {"epoch": 3, "loss": 1.5, "done": False, "none": None, "sizes": [1, 70000, 2**40, -5], "shape": a.shape, "state_dict": net.state_dict(), "optimizer": opt.state_dict()},
    "pair.pth": {"netG": net.state_dict(), "netD": net.state_dict()},
    "parameter.pth": dict(net.named_parameters()),
    "views.pth": {"whole": a, "transposed": a.permute(2, 0, 1), "slice": a[1, ::2, 1:3], "expanded": torch.ones(1).expand(3, 2), "scalar": torch.tensor(7.), "tied": a},
    "types.pth": {t: torch.tensor([0., 1, -2, .5]).to(getattr(torch, t)) for t in ["float32", "float64", "float16", "bfloat16"]},
    "integers.pth": {t: torch.tensor([1]).to(getattr(torch, t)) for t in ["int64", "int32", "int16", "int8", "uint8", "bool", "complex64", "complex128"]},
}
want = {}
for name, value in files.items():
    torch.save(value, name)
for name, sd in [("plain.pth", net.state_dict()), ("checkpoint.pth", net.state_dict()), ("parameter.pth", dict(net.named_parameters())), ("views.pth", files["views.pth"]), ("types.pth", files["types.pth"])]:
    want[name] = [[k, list(v.shape), v.detach().double().flatten().tolist() if v.is_floating_point() else None] for k, v in sd.items()]
torch.save(net, "model.pth")
torch.save(net.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
torch.save([torch.ones(2)], "list.pth")
torch.save({"epoch": 1}, "empty.pth")
torch.jit.script(net.fc).save("script.pt")
json.dump(want, sys.stdout)
`

// TestPyTorch reads what Debian's PyTorch writes: names in order, shapes, every element.
func TestPyTorch(t *testing.T) {
	dir := t.TempDir()
	out := python.With(t, "torch", "python3-torch").Run(t, dir, written)
	var want map[string][][]any
	if err := json.Unmarshal([]byte(out), &want); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for name, tensors := range want {
		f, err := torch.Open(filepath.Join(dir, name), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if len(f.Infos()) != len(tensors) {
			t.Errorf("%s: %d tensors, want %d", name, len(f.Infos()), len(tensors))
			continue
		}
		for i, in := range f.Infos() {
			if in.Name != tensors[i][0] || fmt.Sprint([]int(in.Shape)) != fmt.Sprint(tensors[i][1]) {
				t.Errorf("%s: tensor %d is %s %v, want %v %v", name, i, in.Name, in.Shape, tensors[i][0], tensors[i][1])
				continue
			}
			if tensors[i][2] == nil {
				if _, err := f.Tensor(in.Name); !errors.Is(err, torch.ErrUnsupported) {
					t.Errorf("%s: %s of %s: %v", name, in.Name, in.DType, err)
				}
				continue
			}
			x, err := f.Tensor(in.Name)
			if err != nil {
				t.Error(err)
				continue
			}
			for k, v := range tensors[i][2].([]any) {
				if got := x.F32()[k]; !(got == float32(v.(float64))) {
					t.Fatalf("%s: %s[%d] = %v, want %v", name, in.Name, k, got, v)
				}
			}
		}
	}
	for _, tt := range []struct{ file, key, want string }{
		{"model.pth", "", `it names "__main__.Net", which is code`},
		{"legacy.pth", "", "PyTorch before 1.6"},
		{"list.pth", "", "it holds a list, want a dictionary of tensors"},
		{"empty.pth", "", `no dictionary in it holds tensors under names; its keys are "epoch"`},
		{"script.pt", "", "TorchScript"},
		{"pair.pth", "ema", `no tensors under the key "ema"; those with tensors are netD, netG`},
	} {
		if _, err := torch.Open(filepath.Join(dir, tt.file), tt.key); !errors.Is(err, torch.ErrUnsupported) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.file) {
			t.Errorf("%s: %v, want %s", tt.file, err, tt.want)
		}
	}
	pair, err := torch.Open(filepath.Join(dir, "pair.pth"), "")
	if err != nil || len(pair.Infos()) != 18 || pair.Infos()[0].Name != "netG.conv.weight" || !slices.Equal(pair.Keys(), []string{"netD", "netG"}) {
		t.Errorf("pair.pth: %v %v", pair.Infos(), err)
	}
	pair.Close()
	if pair, err = torch.Open(filepath.Join(dir, "pair.pth"), "netD"); err != nil || len(pair.Infos()) != 9 || pair.Infos()[0].Name != "conv.weight" {
		t.Errorf("pair.pth, netD: %v %v", pair.Infos(), err)
	}
	pair.Close()
	whole, err := torch.Open(filepath.Join(dir, "integers.pth"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	for _, in := range whole.Infos() {
		if _, err := whole.Tensor(in.Name); in.DType != in.Name || !errors.Is(err, torch.ErrUnsupported) || !strings.Contains(err.Error(), in.Name) {
			t.Errorf("%s of %s: %v", in.Name, in.DType, err)
		}
	}
}

// archive returns a file of torch.save with that pickle and one storage.
func archive(pickle string, data []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range []struct {
		name string
		data []byte
	}{{"a/data.pkl", []byte(pickle)}, {"a/data/0", data}} {
		w, _ := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store}) // to a Buffer
		w.Write(e.data)
	}
	z.Close()
	return b.Bytes()
}

// floats is the pickle of a storage of 4 float32, key "0".
const floats = "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"

// one is the pickle of {"x": a tensor of that offset, shape and stride}.
func one(offset, shape, stride string) string {
	return "\x80\x02}X\x01\x00\x00\x00xctorch._utils\n_rebuild_tensor_v2\n(" + floats + offset + shape + stride + "\x89ccollections\nOrderedDict\n)RtRs."
}

// TestHostile gives each fault its message: nothing panics, nothing is executed, nothing is allocated that is not there.
func TestHostile(t *testing.T) {
	for _, tt := range []struct {
		pickle, want string
		err          error
	}{
		{"", "it ends early", torch.ErrFormat},
		{"cos\nsystem\n(X\x02\x00\x00\x00lstR.", `it names "os.system", which is code`, torch.ErrUnsupported},
		{"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", `it names "builtins.eval"`, torch.ErrUnsupported},
		{"ctorch\nload\n.", `it names "torch.load"`, torch.ErrUnsupported},
		{"i", "operation 'i'", torch.ErrUnsupported},
		{"\x80\x09.", "protocol 9", torch.ErrUnsupported},
		{".", "empty stack", torch.ErrFormat},
		{"(.", "a mark for a value", torch.ErrFormat},
		{"t", "goes back to a mark", torch.ErrFormat},
		{"}K\x01u", "goes back to a mark", torch.ErrFormat},
		{"}(K\x01u", "a key without a value", torch.ErrFormat},
		{"h\x05", "recalls value 5", torch.ErrFormat},
		{"X\xff\xff\xff\xff", "a text of 4294967295 bytes", torch.ErrFormat},
		{"K\x01K\x01R", "a call of what is not a name", torch.ErrFormat},
		{"K\x01K\x02K\x03s", "where it wants a dictionary", torch.ErrFormat},
		{"ctorch\nFloatStorage\n)R", "it makes an object of torch.FloatStorage", torch.ErrUnsupported},
		{one("K\x00", "K\x05\x85", "K\x01\x85"), "is not within its storage of 4 elements", torch.ErrFormat},
		{one("K\x04", "K\x01\x85", "K\x01\x85"), "is not within its storage", torch.ErrFormat},
		{one("J\xff\xff\xff\xff", "K\x01\x85", "K\x01\x85"), "from element -1 on", torch.ErrFormat},
		{one("K\x00", "K\x02\x85", "J\xff\xff\xff\xff\x85"), "-1 in a shape or among strides", torch.ErrFormat},
		{one("K\x00", "K\x02\x85", ")"), "1 axes with 0 strides", torch.ErrFormat},
		{one("K\x00", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85"), "not within its storage", torch.ErrFormat},
		{"}q\x00X\x01\x00\x00\x00ah\x00s.", "no dictionary in it holds tensors", torch.ErrUnsupported}, // it holds itself
	} {
		b := archive(tt.pickle, make([]byte, 16))
		_, err := torch.NewReader(bytes.NewReader(b), int64(len(b)), "")
		if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.pickle, err, tt.want)
		}
	}
	// What expands beyond memory is refused when it is read.
	b := archive(one("K\x00", "\x8a\x06\x00\x00\x00\x00\x00\x01\x85", "K\x00\x85"), make([]byte, 16))
	f, err := torch.NewReader(bytes.NewReader(b), int64(len(b)), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("x"); err == nil {
		t.Error("a tensor of 2^40 elements over one is read")
	}
	b = archive(one("K\x00", "K\x04\x85", "K\x01\x85"), make([]byte, 15))
	if f, err = torch.NewReader(bytes.NewReader(b), int64(len(b)), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("x"); !errors.Is(err, torch.ErrFormat) {
		t.Errorf("a storage that is cut short: %v", err)
	}
}

// FuzzPickle runs changed pickles of PyTorch: each gives tensors that can be read within their file, or an error of this
// package.
func FuzzPickle(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.pkl")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range seeds {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(one("K\x00", "K\x02K\x02\x86", "K\x01K\x02\x86"))
	f.Fuzz(func(t *testing.T, pickle string) {
		b := archive(pickle, make([]byte, 4096))
		file, err := torch.NewReader(bytes.NewReader(b), int64(len(b)), "")
		if err != nil {
			if !errors.Is(err, torch.ErrFormat) && !errors.Is(err, torch.ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		for _, in := range file.Infos() {
			if size := float64(1); slices.ContainsFunc(in.Shape, func(n int) bool { size *= float64(n); return size > 1<<20 }) {
				continue
			}
			x, err := file.Tensor(in.Name)
			if err == nil && !x.Shape().Equal(in.Shape) {
				t.Errorf("%s is %v, want %v", in.Name, x.Shape(), in.Shape)
			}
		}
	})
}

func ExampleOpen() {
	dir, _ := os.MkdirTemp("", "torch")
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "model.pth")
	data := make([]byte, 16)
	data[6], data[7] = 0x80, 0x3f // the second element is 1
	if err := os.WriteFile(name, archive(one("K\x00", "K\x02K\x02\x86", "K\x01K\x02\x86"), data), 0o666); err != nil {
		fmt.Println(err)
		return
	}
	f, err := torch.Open(name, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	for _, in := range f.Infos() {
		x, err := f.Tensor(in.Name)
		fmt.Println(in.Name, in.DType, in.Shape, x.F32(), err)
	}
	// Output: x float32 [2,2] [0 0 1 0] <nil>
}

// FuzzFile reads changed files.
func FuzzFile(f *testing.F) {
	f.Add(archive(one("K\x00", "K\x02K\x02\x86", "K\x01K\x02\x86"), make([]byte, 16)))
	f.Add([]byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := torch.NewReader(bytes.NewReader(b), int64(len(b)), "")
		if err != nil {
			if !errors.Is(err, torch.ErrFormat) && !errors.Is(err, torch.ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		for _, in := range file.Infos() {
			if in.Shape.Check() == nil && in.Shape.Size() < 1<<20 {
				_, _ = file.Tensor(in.Name)
			}
		}
	})
}
