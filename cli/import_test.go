package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/python"
	"github.com/imago-ml/imago/internal/realdata"
	"github.com/imago-ml/imago/train"
)

// inPyTorch is the tutorials' networks in PyTorch: it trains them for some steps on the images of x.npz, saves them, and
// prints the mean loss of the first images with the mean of q(z|x) as the code, and writes what they decode.
const inPyTorch = `
import torch, numpy, json, struct, sys
import torch.nn as nn, torch.nn.functional as F
torch.manual_seed(3); torch.set_num_threads(1)
x = torch.from_numpy(numpy.load("x.npz")["x"]).permute(0, 3, 1, 2).contiguous()

class Same(nn.Module):  # Keras' convolutional VAE: "same" pads 0 before and 1 after
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 32, 3, 2), nn.Conv2d(32, 64, 3, 2)
        self.fc, self.mean, self.logvar = nn.Linear(3136, 16), nn.Linear(16, 2), nn.Linear(16, 2)
        self.dfc = nn.Linear(2, 3136)
        self.t1, self.t2, self.t3 = nn.ConvTranspose2d(64, 64, 3, 2), nn.ConvTranspose2d(64, 32, 3, 2), nn.ConvTranspose2d(32, 1, 3, 1, 1)
    def encode(self, x):
        h = F.relu(self.c1(F.pad(x, (0, 1, 0, 1))))
        h = F.relu(self.c2(F.pad(h, (0, 1, 0, 1))))
        h = F.relu(self.fc(h.flatten(1)))
        return self.mean(h), self.logvar(h)
    def decode(self, z):
        h = F.relu(self.dfc(z)).view(-1, 64, 7, 7)
        h = F.relu(self.t1(h)[:, :, :-1, :-1])
        h = F.relu(self.t2(h)[:, :, :-1, :-1])
        return torch.sigmoid(self.t3(h))

class Padded(Same):  # the same with PyTorch's usual padding, a head of both, and a convolution at the end
    def __init__(self):
        nn.Module.__init__(self)
        self.c1, self.c2 = nn.Conv2d(1, 32, 3, 2, 1), nn.Conv2d(32, 64, 3, 2, 1)
        self.fc, self.head, self.dfc = nn.Linear(3136, 16), nn.Linear(16, 4), nn.Linear(2, 3136)
        self.t1, self.t2, self.t3 = nn.ConvTranspose2d(64, 64, 3, 2, 1, 1), nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.Conv2d(32, 1, 3, 1, 1)
    def encode(self, x):
        return self.head(F.relu(self.fc(F.relu(self.c2(F.relu(self.c1(x)))).flatten(1)))).chunk(2, 1)
    def decode(self, z):
        return torch.sigmoid(self.t3(F.relu(self.t2(F.relu(self.t1(F.relu(self.dfc(z)).view(-1, 64, 7, 7)))))))

class Dense(nn.Module):  # PyTorch's own example
    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22, self.fc3, self.fc4 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20), nn.Linear(20, 400), nn.Linear(400, 784)
    def encode(self, x):
        h = F.relu(self.fc1(x.view(-1, 784)))
        return self.fc21(h), self.fc22(h)
    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))).view(-1, 1, 28, 28)

def save(tensors, name, dtype):  # safetensors, as its own writer sorts them
    kind = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    header, body = {}, b""
    for k, v in sorted(tensors.items()):
        t = v.detach().contiguous()
        t = t.to(kind[dtype]) if t.is_floating_point() else t
        b = t.view(torch.int16).numpy().tobytes() if dtype == "BF16" and t.is_floating_point() else t.numpy().tobytes()
        header[k] = {"dtype": dtype if t.is_floating_point() else "I64", "shape": list(t.shape), "data_offsets": [len(body), len(body) + len(b)]}
        body += b
    h = json.dumps(header).encode()
    open(name, "wb").write(struct.pack("<Q", len(h)) + h + body)

out, test = {}, x[:200]
for name, net in [("same", Same()), ("padded", Padded()), ("dense", Dense())]:
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for b in x[200:].split(100) * 2:
        mu, lv = net.encode(b)
        y = net.decode(mu + torch.exp(lv / 2) * torch.randn_like(mu))
        loss = ((y - b) ** 2).sum() - 0.5 * (1 + lv - mu ** 2 - lv.exp()).sum()
        opt.zero_grad(); (loss / len(b)).backward(); opt.step()
    with torch.no_grad():
        mu, lv = net.encode(test)
        y = net.decode(mu)
        out[name] = (((y - test) ** 2).sum() - 0.5 * (1 + lv - mu ** 2 - lv.exp()).sum()).item() / len(test)
    numpy.savez(name + "-images.npz", y=y.permute(0, 2, 3, 1).numpy())
    torch.save(net.state_dict(), name + ".pth")
    for dtype in ["F64", "F32", "F16", "BF16"]:
        save(net.state_dict(), name + dtype + ".safetensors", dtype)
    if name == "same":  # as Keras orders and lays out the same arrays
        s = {k: v.numpy() for k, v in net.state_dict().items()}
        def kernel(k, c=None):
            w = s[k + ".weight"]
            if c == "in": return w.reshape(16, 64, 7, 7).transpose(2, 3, 1, 0).reshape(3136, 16)
            if c == "out": return w.reshape(64, 7, 7, 2).transpose(3, 1, 2, 0).reshape(2, 3136)
            return w.transpose(2, 3, 1, 0) if w.ndim == 4 else w.T
        arrays = []
        for k in ["c1", "c2", "fc", "mean", "logvar", "dfc", "t1", "t2", "t3"]:
            b = s[k + ".bias"]
            arrays += [kernel(k, {"fc": "in", "dfc": "out"}.get(k)), b.reshape(64, 7, 7).transpose(1, 2, 0).reshape(-1) if k == "dfc" else b]
        numpy.savez("keras.npz", *arrays)
        torch.save({"epoch": 2, "state_dict": net.state_dict(), "optimizer": opt.state_dict()}, "checkpoint.pth")

def up(i, o, s, p): return [nn.ConvTranspose2d(i, o, 4, s, p, bias=False), nn.BatchNorm2d(o), nn.ReLU(True)]
def down(i, o): return [nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(.2, True)]
class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(*up(100, 512, 1, 0), *up(512, 256, 2, 1), *up(256, 128, 2, 1), *up(128, 64, 2, 1), nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())
class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(.2, True), *down(64, 128), *down(128, 256), *down(256, 512), nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid())
g, d = G(), D()
z = torch.from_numpy(numpy.load("x.npz")["z"])
with torch.no_grad():
    for _ in range(3): d.main(g.main(torch.randn(8, 100, 1, 1)))  # running statistics of their own
    g.eval(); d.eval()
    y = g.main(z.view(-1, 100, 1, 1))
    numpy.savez("gan-images.npz", y=(y.permute(0, 2, 3, 1) / 2 + 0.5).numpy())
torch.save(g.state_dict(), "netG.pth"); torch.save(d.state_dict(), "netD.pth"); torch.save({"netG": g.state_dict(), "netD": d.state_dict()}, "both.pth")
save(g.state_dict(), "netG.safetensors", "F32"); save(d.state_dict(), "netD.safetensors", "F32")
json.dump(out, sys.stdout)
`

// imported runs a command line that writes out, and opens that file.
func imported(t *testing.T, dir, out string, args ...string) *train.Trained {
	t.Helper()
	var text bytes.Buffer
	path := filepath.Join(dir, out+".safetensors")
	if status := run(t.Context(), append(args, "--out", path), &text, &text); status != 0 {
		t.Fatalf("imago %s: status %d\n%s", strings.Join(args, " "), status, &text)
	}
	a := newApp(&text, &text)
	be := newBackend(1)
	t.Cleanup(func() { be.Close() })
	m, err := train.OpenModel(path, &a.Models, be)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// meanLoss returns the mean of the squared error and the divergence of images, with the mean of q(z|x) as the code, in
// nats, and the pictures that are decoded.
func meanLoss(t *testing.T, m *train.Trained, images data.Items) (loss float64, pictures []float32) {
	t.Helper()
	mean, logVar, err := m.EncodeMeans(t.Context(), images)
	if err != nil {
		t.Fatal(err)
	}
	if pictures, err = m.Decode(t.Context(), mean); err != nil {
		t.Fatal(err)
	}
	size := images.Item().Size()
	levels := make([]uint8, size)
	for i := range images.Len() {
		if err := images.At(i, levels); err != nil {
			t.Fatal(err)
		}
		for k, v := range levels {
			d := float64(pictures[i*size+k]) - float64(v)/255
			loss += d * d
		}
	}
	for i, mu := range mean {
		v := float64(logVar[i])
		loss -= 0.5 * (1 + v - float64(mu)*float64(mu) - math.Exp(v))
	}
	return loss / float64(images.Len()), pictures
}

// array returns the elements of an array of an NPZ file.
func array(t *testing.T, file, name string) []float32 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := numpy.NewReader(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return x.F32()
}

// farthest returns the largest difference of two arrays of the same length; NaN if there is one.
func farthest(t *testing.T, a, b []float32) float64 {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d values, want %d", len(a), len(b))
	}
	far := 0.0
	for i := range a {
		far = max(far, math.Abs(float64(a[i])-float64(b[i])))
	}
	return far
}

// TestImportPyTorch gives our models the weights of networks that PyTorch trained on MNIST: the loss of the same 200 images
// is the same to 1e-4, and the pictures to 1e-5. There is no noise in this loss: the code is the mean.
func TestImportPyTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("trains in PyTorch")
	}
	interpreter := python.With(t, "torch, numpy", "python3-torch python3-numpy")
	a := newApp(io.Discard, io.Discard)
	set, err := a.Data.Open(t.Context(), "mnist", data.Options{DataDir: realdata.Dir(t), NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	const tested, all = 200, 3200
	index := make([]int, all)
	for i := range index {
		index[i] = i
	}
	images, err := data.Subset(set.Test.Items, index)
	if err != nil {
		t.Fatal(err)
	}
	x, z := tensor.New(tensor.Float32, all, 28, 28, 1), tensor.New(tensor.Float32, 6, 100)
	levels := make([]uint8, 784)
	for i := range all {
		if err := images.At(i, levels); err != nil {
			t.Fatal(err)
		}
		for k, v := range levels {
			x.F32()[i*784+k] = float32(v) / 255
		}
	}
	rng.New(5).Normal(z.F32())
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := atomicfile.Write(file("x.npz"), func(w io.Writer) error {
		return numpy.WriteNPZ(w, []string{"x", "z"}, []*tensor.Tensor{x, z})
	}); err != nil {
		t.Fatal(err)
	}
	var want map[string]float64
	if err := json.Unmarshal([]byte(interpreter.Run(t, dir, inPyTorch)), &want); err != nil {
		t.Fatal(err)
	}
	first, err := data.Subset(images, index[:tested])
	if err != nil {
		t.Fatal(err)
	}
	mlp := []string{"--hidden", "400", "--latent", "20"}
	for _, tt := range []struct {
		net     string
		args    []string
		loss    float64 // relative
		picture float64
	}{
		{"same", []string{"cnn-vae", "same.pth"}, 1e-4, 1e-5},
		{"same", []string{"cnn-vae", "checkpoint.pth", "--key", "state_dict"}, 1e-4, 1e-5},
		{"same", []string{"cnn-vae", "keras.npz"}, 1e-4, 1e-5},
		{"same", []string{"cnn-vae", "sameF32.safetensors"}, 1e-4, 1e-5},
		{"same", []string{"cnn-vae", "sameF64.safetensors"}, 1e-4, 1e-5},
		{"same", []string{"cnn-vae", "sameF16.safetensors"}, 1e-4, 1e-3},  // weights of 11 bits
		{"same", []string{"cnn-vae", "sameBF16.safetensors"}, 1e-3, 1e-2}, // and of 8
		{"padded", []string{"cnn-vae", "padded.pth", "--kernel", "4"}, 1e-4, 1e-5},
		{"dense", append([]string{"mlp-vae", "dense.pth"}, mlp...), 1e-4, 1e-5},
		{"dense", append([]string{"mlp-vae", "denseF32.safetensors"}, mlp...), 1e-4, 1e-5},
	} {
		args := slices.Clone(tt.args)
		args[1] = file(args[1])
		m := imported(t, dir, "out", append([]string{"import"}, args...)...)
		loss, pictures := meanLoss(t, m, first)
		relative, far := math.Abs(loss-want[tt.net])/want[tt.net], farthest(t, pictures, array(t, file(tt.net+"-images.npz"), "y"))
		t.Logf("%v: loss %.6f, PyTorch's %.6f, relative %.2g; pictures %.2g", tt.args, loss, want[tt.net], relative, far)
		if !(relative <= tt.loss && far <= tt.picture) {
			t.Errorf("%v: loss %v, want %v; pictures differ by %v", tt.args, loss, want[tt.net], far)
		}
	}
	for _, files := range [][]string{{"netG.pth", "netD.pth"}, {"both.pth"}, {"netG.safetensors", "netD.safetensors"}, {"netG.pth", "--missing"}} {
		args := []string{"import", "dcgan"}
		for _, f := range files {
			if f[0] != '-' {
				f = file(f)
			}
			args = append(args, f)
		}
		m := imported(t, dir, "gan", args...)
		pictures, err := m.Decode(t.Context(), z.F32())
		if err != nil {
			t.Fatal(err)
		}
		far := farthest(t, pictures, array(t, file("gan-images.npz"), "y"))
		t.Logf("dcgan %v: pictures differ by %.2g", files, far)
		if !(far <= 1e-5) {
			t.Errorf("dcgan %v: pictures differ by %v", files, far)
		}
	}
	// Training goes on from such a file.
	var text bytes.Buffer
	runs := file("runs")
	args := append([]string{"train", "mlp-vae", "--init", file("dense.pth"), "--data", "mnist", "--data-dir", realdata.Dir(t), "--limit", "200", "--epochs", "1", "--name", "on", "--out", runs, "--pictures-every", "-1"}, mlp...)
	if status := run(t.Context(), args, &text, &text); status != 0 || !strings.Contains(text.String(), "dense.pth, of another program (SHA-256") {
		t.Errorf("training on: status %d\n%s", status, &text)
	}
	for _, tt := range []struct{ file, want string }{
		{"same.pth", "it is not clear which arrays the parameters come from: encoder/dense"},
		{"x.npz", "imago import shows the table"},
	} {
		text.Reset()
		if status := run(t.Context(), []string{"train", "mlp-vae", "--init", file(tt.file), "--data", "mnist", "--data-dir", realdata.Dir(t), "--out", runs}, &text, &text); status != 1 || !strings.Contains(text.String(), tt.want) {
			t.Errorf("%s: status %d\n%s", tt.file, status, &text)
		}
	}
}
