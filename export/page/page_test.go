package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/export/exporttest"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/chromium"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
)

// untrained returns a recipe with random weights, its biases and running statistics among them.
func untrained(t testing.TB, recipe string, in model.Input) *train.Trained {
	t.Helper()
	var models model.Registry
	catalog.Models(&models)
	return exporttest.Untrained(t, &models, recipe, in, func(p nn.Param, w []float32) {
		key := rng.New(2).Split(p.Name)
		u, n := make([]float32, len(w)), make([]float32, len(w))
		key.Split("factor").Uniform(u)
		key.Split("shift").Normal(n)
		for i := range w {
			w[i] *= 0.85 + 0.3*u[i]
			if len(p.Shape) == 1 && !strings.HasSuffix(p.Name, "variance") {
				w[i] += 0.05 * n[i]
			}
		}
	})
}

// inputOf returns what a recipe is tried on: the images that it was published for, as far as that matters.
func inputOf(recipe string) model.Input {
	in := model.Input{Item: pixels.Item(28, 28, 1), Labels: 10}
	switch recipe {
	case "face-vae":
		in.Item = pixels.Item(64, 64, 3)
	case "sound-cvae":
		in.Item = pixels.Item(96, 64, 1)
	case "resnet-gan", "dcgan", "wgan-gp":
		in.Item = pixels.Item(32, 32, 3)
	}
	return in
}

// recipes returns the names of all recipes, or of five of them in a short test.
func recipes(t *testing.T) []string {
	if testing.Short() {
		return []string{"cnn-vae", "dcgan", "cvae", "face-vae", "vq-vae"}
	}
	var models model.Registry
	catalog.Models(&models)
	var names []string
	for _, r := range models.Recipes() {
		switch r.Kind {
		case "sequence-vae", "language-model", "dmm": // a page shows images
		default:
			names = append(names, r.Name)
		}
	}
	return names
}

// TestRecipes opens the page of each recipe and compares what it computes with the engine: pictures to one of 256 levels, codes
// to a fiftieth.
func TestRecipes(t *testing.T) {
	b := chromium.Open(t)
	for _, name := range recipes(t) {
		t.Run(name, func(t *testing.T) {
			m := untrained(t, name, inputOf(name))
			file := filepath.Join(t.TempDir(), name+".html")
			if _, err := Write(t.Context(), m, file); err != nil {
				t.Fatal(err)
			}
			checkSize(t, m, file)
			openFile(t, b, file, "")
			compareWithEngine(t, b, m)
		})
	}
}

// checkSize fails the test unless a page has at most 1.4 bytes for each of its weights and 60 KB more.
func checkSize(t *testing.T, m *train.Trained, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	folded, program, err := Lower(m)
	if err != nil {
		t.Fatal(err)
	}
	half, _, err := harmless(t.Context(), m, folded)
	if err != nil {
		t.Fatal(err)
	}
	weights := len(program.Weights(half))
	t.Logf("%d bytes, %d of them weights", info.Size(), weights)
	if most := int64(weights)*14/10 + 60<<10; info.Size() > most {
		t.Errorf("the page has %d bytes, more than %d for %d bytes of weights", info.Size(), most, weights)
	}
}

// BenchmarkDecode decodes a code in Chromium: the median of a run of milliseconds.
func BenchmarkDecode(b *testing.B) {
	browser := chromium.Open(b)
	for _, name := range []string{"cnn-vae", "dcgan", "face-vae"} {
		m := untrained(b, name, inputOf(name))
		file := filepath.Join(b.TempDir(), name+".html")
		if _, err := Write(b.Context(), m, file); err != nil {
			b.Fatal(err)
		}
		for _, kernels := range []string{"relaxed", "simd", "plain"} {
			b.Run(name+"/"+kernels, func(b *testing.B) {
				openFile(b, browser, file, "#kernels="+kernels)
				for b.Loop() {
					b.ReportMetric(chromium.Eval[float64](b, browser, fmt.Sprintf(`(() => {
						const z = new Float32Array(%d).fill(0.3), run = () => imagoPage.machine.run("decode", { z }), times = [];
						for (const end = performance.now() + 500; performance.now() < end || times.length < 5;) {
							const start = performance.now();
							for (let i = 0; i < 4; i++) run();
							times.push((performance.now() - start) / 4);
						}
						return times.sort((a, b) => a - b)[times.length >> 1];
					})()`, m.Latent())), "ms/code")
				}
			})
		}
	}
}

// openFile opens a page with what follows # in its address, and waits until it is ready.
func openFile(t testing.TB, b *chromium.Tab, file, hash string) {
	t.Helper()
	chromium.Run(t, b, chromedp.Steps(chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+file+hash), chromedp.WaitReady("html[data-ready]")))
}

// compareWithEngine compares what the page in a tab computes with what the model computes here.
func compareWithEngine(t *testing.T, b *chromium.Tab, m *train.Trained) {
	t.Helper()
	ctx, item, in := t.Context(), m.Item().Size(), m.Input()
	const n = 3
	near := func(what string, got, want []float32, tolerance float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
		}
		worst := 0.0
		for i, w := range want {
			if d := math.Abs(float64(got[i] - w)); !(d <= worst) {
				worst = d
			}
		}
		if !(worst <= tolerance) {
			t.Errorf("%s: differs by %.5f, want at most %.5f", what, worst, tolerance)
		}
		t.Logf("%s: largest difference %.2g", what, worst)
	}
	label := make([]float32, in.Labels)
	label[0] = 1 // what the page has chosen
	labels := slices.Repeat(label, n)
	if m.HasPrior() {
		pictures, err := sampleOf(ctx, m, n, labels)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			near(fmt.Sprint("draw ", i), b.Numbers(t, fmt.Sprintf("imagoPage.draw(7, %d)", i)), pictures[i*item:(i+1)*item], 1.0/255)
		}
	}
	x := make([]float32, item)
	rng.New(3).Uniform(x)
	if m.Model().Encode == nil {
		return
	}
	run := func(function, output string) []float32 {
		return b.Numbers(t, fmt.Sprintf("imagoPage.machine.run(%q, {x: new Float32Array(%s), labels: new Float32Array(%s)}).%s", function, text(t, x), text(t, label), output))
	}
	f, err := m.Func(m.Model().Encode).Run(ctx, 1, operands(t, m, x, label))
	if err != nil {
		t.Fatal(err)
	}
	want := f[model.OutputMean].F32()
	size := 1.0
	for _, v := range want {
		size = max(size, math.Abs(float64(v)))
	}
	near("code", run(encode, model.OutputMean), want, 0.02*size)
	if m.Model().Reconstruct != nil {
		f, err := m.Func(m.Model().Reconstruct).Run(ctx, 1, operands(t, m, x, label))
		if err != nil {
			t.Fatal(err)
		}
		near("reconstruction", run(reconstruct, model.OutputPicture), f[model.OutputPicture].F32(), 1.0/255)
	}
}

// sampleOf returns the pictures that imago sample makes of seed 7.
func sampleOf(ctx context.Context, m *train.Trained, n int, labels []float32) ([]float32, error) {
	if m.SampleLabels() == 0 {
		labels = nil
	}
	return m.Sample(ctx, rng.New(7).Split("sample"), n, labels)
}

func operands(t *testing.T, m *train.Trained, x, label []float32) map[string]*tensor.Tensor {
	t.Helper()
	image, err := tensor.FromSlice(x, m.Item().Batch(1)...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tensor.FromSlice(label, 1, len(label))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*tensor.Tensor{model.InputX: image, model.InputLabels: l}
}

func text(t *testing.T, v []float32) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestKernels opens a page with each kind of kernels: all compute the same pictures.
func TestKernels(t *testing.T) {
	b := chromium.Open(t)
	m := untrained(t, "cnn-vae", inputOf("cnn-vae"))
	file := filepath.Join(t.TempDir(), "page.html")
	if _, err := Write(t.Context(), m, file); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"simd", "plain"} {
		openFile(t, b, file, "#kernels="+kind)
		if is := chromium.Eval[string](t, b, "imagoPage.kind"); is != kind {
			t.Errorf("kernels are %s, want %s", is, kind)
		}
		compareWithEngine(t, b, m)
	}
}

// TestUse goes through pages as a reader does, at three sizes, light and dark. IMAGO_SHOTS is a folder for pictures of them.
func TestUse(t *testing.T) {
	b := chromium.Open(t)
	for _, name := range []string{"cnn-vae", "dense-gan", "mlp-cvae", "face-vae", "dcgan"} {
		m := untrained(t, name, inputOf(name))
		m.Config.Data.Name = "<img src=x onerror=alert(1)>"
		file := filepath.Join(t.TempDir(), name+".html")
		if _, err := Write(t.Context(), m, file); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{360, 900, 1600} {
			for _, dark := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/dark=%v", name, width, dark), func(t *testing.T) {
					chromium.Size(t, b, width, 900, dark)
					openFile(t, b, file, "#seed=7")
					walk(t, b, m)
				})
			}
		}
	}
}

// walk uses a page that is open.
func walk(t *testing.T, b *chromium.Tab, m *train.Trained) {
	t.Helper()
	wide := chromium.Eval[string](t, b, `[...document.querySelectorAll("body *")].filter((e) => !e.closest(".skip") && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "." + e.className).join()`)
	if wide != "" {
		t.Errorf("wider than the window: %s", wide)
	}
	if title := chromium.Run(t, b, chromedp.Title()); !strings.Contains(title, "<img") {
		t.Errorf("the title is %q, want the name of the data as it is", title)
	}
	last := ""
	changes := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		chromium.Run(t, b, chromedp.Steps(steps...))
		now := chromium.Eval[string](t, b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.getElementById("picture").toDataURL()))))`)
		if now == last {
			t.Errorf("%s does not change the picture", what)
		}
		last = now
	}
	changes("opening the page")
	changes("an arrow key", chromedp.Focus("#plane"), chromedp.KeyEvent(kb.ArrowRight))
	place := func(id string, right, down float64) (x, y float64) {
		chromium.Run(t, b, chromedp.ScrollIntoView("#"+id))
		p := chromium.Eval[[]float64](t, b, fmt.Sprintf(`(() => { const r = document.getElementById(%q).getBoundingClientRect(); return [r.left + r.width * %v, r.top + r.height * %v]; })()`, id, right, down))
		return p[0], p[1]
	}
	x, y := place("plane", 0.8, 0.6)
	changes("the pointer", chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	if m.DecodeLabels() > 0 {
		changes("another label", chromedp.Click("#labels button:nth-child(4)"))
	}
	if m.Model().Reconstruct != nil && m.Item().Shape[2] == 1 { // the pad is grey
		x, y = place("pad", 0.5, 0.3)
		changes("drawing", chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft), chromedp.MouseEvent(chromedp.MouseMoved, x, y+30, chromedp.ButtonLeft),
			chromedp.MouseEvent(chromedp.MouseMoved, x+20, y+50, chromedp.ButtonLeft), chromedp.MouseEvent(chromedp.MouseReleased, x+20, y+50, chromedp.ButtonLeft))
		if code := chromium.Run(t, b, chromedp.Text("#own-code")); !strings.HasPrefix(code, "Its code: ") {
			t.Errorf("after drawing: %q, want a code", code)
		}
	}
	if m.Model().Reconstruct != nil {
		for i, event := range []string{`new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true})`, `new ClipboardEvent("paste", {clipboardData: files, bubbles: true})`} {
			chromium.Eval[chromedp.Void](t, b, give(i, event))
			changes(event)
			if code := chromium.Run(t, b, chromedp.Text("#own-code")); !strings.HasPrefix(code, "Its code: ") {
				t.Errorf("after %s: %q, want a code", event, code)
			}
		}
	}
	accessible(t, b)
	shoot(t, b, strings.ReplaceAll(t.Name(), "/", "-"))
}

// give returns a program that hands a photograph, a PNG file of 60 by 40 pixels, to the page as an event does, and waits until
// the page shows it. Photographs of other numbers differ.
func give(number int, event string) string {
	return fmt.Sprintf(`(async () => {
		const picture = document.getElementById("picture"), before = picture.toDataURL();
		const canvas = Object.assign(document.createElement("canvas"), {width: 60, height: 40}), draw = canvas.getContext("2d");
		draw.fillStyle = "#c08040"; draw.fillRect(0, 0, 60, 40);
		draw.fillStyle = "#f0f0ff"; draw.fillRect(20 + 9 * %d, 5, 10, 30);
		const files = new DataTransfer();
		files.items.add(new File([await new Promise((done) => canvas.toBlob(done))], "a.png", {type: "image/png"}));
		document.body.dispatchEvent(%s);
		for (let i = 0; i < 500 && picture.toDataURL() === before; i++) await new Promise((done) => setTimeout(done, 20));
	})()`, number, event)
}

// accessible fails the test for what axe-core, whose file IMAGO_AXE is, finds serious in a page. Without it nothing is checked,
// but in CI it must be there.
func accessible(t *testing.T, b *chromium.Tab) {
	t.Helper()
	name := os.Getenv("IMAGO_AXE")
	if name == "" {
		if os.Getenv("CI") == "true" {
			t.Error("IMAGO_AXE is not set")
		}
		return
	}
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	chromium.Eval[chromedp.Void](t, b, string(script)+"; 0")
	for _, v := range chromium.Eval[[]string](t, b, `axe.run().then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.nodes.map((n) => n.html).join()))`) {
		t.Errorf("axe-core: %.400s", v)
	}
}

// shoot writes pictures of the whole page and of its first window to the folder IMAGO_SHOTS, if there is one.
func shoot(t *testing.T, b *chromium.Tab, name string) {
	t.Helper()
	dir := os.Getenv("IMAGO_SHOTS")
	if dir == "" {
		return
	}
	chromium.Eval[chromedp.Void](t, b, "scrollTo(0, 0)")
	if err := os.WriteFile(filepath.Join(dir, name+".png"), chromium.Run(t, b, chromedp.FullScreenshot(100)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+"-first.png"), chromium.Run(t, b, chromedp.CaptureScreenshot()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDocsPicture compares the first window of the page of a model of the zoo with the picture in docs/export.md, which it draws
// again with IMAGO_UPDATE=1.
func TestDocsPicture(t *testing.T) {
	var models model.Registry
	catalog.Models(&models)
	catalog.Zoo()
	be := cpu.New(0)
	defer be.Close()
	m, err := train.OpenModel("zoo:cnn-vae", &models, be)
	if err != nil {
		t.Fatal(err)
	}
	file, golden := filepath.Join(t.TempDir(), "page.html"), filepath.Join("..", "..", "docs", "export-page.png")
	if _, err := Write(t.Context(), m, file); err != nil {
		t.Fatal(err)
	}
	b := chromium.Open(t)
	chromium.Size(t, b, 1100, 840, false)
	openFile(t, b, file, "#seed=7")
	chromium.Eval[chromedp.Void](t, b, "new Promise((done) => setTimeout(done, 500))") // the draws come one after another
	shot := chromium.Run(t, b, chromedp.CaptureScreenshot())
	if os.Getenv("IMAGO_UPDATE") != "" {
		if err := os.WriteFile(golden, shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	chromium.Same(t, decodePNG(t, shot), decodePNG(t, stored), golden) // another model gave 11.4
}

func decodePNG(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestTable checks that a model of rows is refused with the way out.
func TestTable(t *testing.T) {
	m := untrained(t, "mlp-vae", model.Input{Item: table.Item(make([]table.Column, 5))})
	if _, err := Write(t.Context(), m, filepath.Join(t.TempDir(), "page.html")); err == nil || !strings.Contains(err.Error(), "--to onnx") {
		t.Errorf("a model of rows: %v", err)
	}
}
