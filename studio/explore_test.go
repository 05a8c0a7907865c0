package studio_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/chromium"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/studio"
)

// A place is a studio that is served, with a tab in it.
type place struct {
	*chromium.Tab
	t            *testing.T
	studio       *studio.Studio
	folder, base string
}

// openStudio serves a studio on an empty folder, and opens a tab that has its token.
func openStudio(t *testing.T) *place {
	t.Helper()
	if testing.Short() {
		t.Skip("it opens a browser")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tab := chromium.Open(t, l.Addr().String())
	var models model.Registry
	var sets data.Registry
	catalog.Models(&models)
	catalog.Data(&sets)
	catalog.Zoo()
	folder := t.TempDir()
	s, err := studio.New(studio.Options{Folder: folder, Root: t.TempDir(), Models: &models, Data: &sets, Backend: func() backend.Backend { return cpu.New(0) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	first, done := make(chan string, 8), make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, func(url string) { first <- url }) }()
	t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	chromium.Size(t, tab, 1280, 800, false)
	chromium.Run(t, tab, chromedp.Navigate(<-first))
	return &place{tab, t, s, folder, "http://" + l.Addr().String()}
}

// open opens a page and waits until an expression of it is true.
func (p *place) open(path, until string) {
	p.t.Helper()
	chromium.Run(p.t, p.Tab, chromedp.Navigate(p.base+path))
	p.wait(until)
}

// wait waits until an expression of the page is true, as program.until does.
func (p *place) wait(until string) {
	p.t.Helper()
	for asked := 0; !chromium.Eval[bool](p.t, p.Tab, fmt.Sprintf("!!(%s)", until)); time.Sleep(50 * time.Millisecond) {
		if asked++; asked > 1200 {
			p.t.Fatalf("asked 1,200 times, it is not true that %s", until)
		}
	}
}

// press presses a button, by its text or by a selector.
func (p *place) press(selector string) {
	p.t.Helper()
	chromium.Eval[bool](p.t, p.Tab, fmt.Sprintf("(document.querySelector(%q).click(), true)", selector))
}

// at returns a place of an element in pixels, by parts of its width and height.
func (p *place) at(selector string, right, down float64) (x, y float64) {
	p.t.Helper()
	v := chromium.Eval[[]float64](p.t, p.Tab, fmt.Sprintf("(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.left + r.width * %v, r.top + r.height * %v]; })()", selector, right, down))
	return v[0], v[1]
}

// model opens a model of the zoo here.
func (p *place) model(name string) *imago.Trained {
	p.t.Helper()
	m, err := imago.Open("zoo:" + name)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { m.Close() })
	return m
}

// drag moves the pressed pointer from place to place of an element.
func (p *place) drag(selector string, places ...[2]float64) {
	p.t.Helper()
	for i, at := range places {
		x, y := p.at(selector, at[0], at[1])
		if i == 0 {
			chromium.Run(p.t, p.Tab, chromedp.MouseEvent(chromedp.MouseMoved, x, y))
			chromium.Run(p.t, p.Tab, chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
		}
		chromium.Run(p.t, p.Tab, chromedp.MouseEvent(chromedp.MouseMoved, x, y, chromedp.ButtonLeft))
		if i == len(places)-1 {
			chromium.Run(p.t, p.Tab, chromedp.MouseEvent(chromedp.MouseReleased, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
		}
	}
}

// numbers returns the values of an expression that may wait.
func (p *place) numbers(expression string) []float32 {
	p.t.Helper()
	return chromium.Eval[[]float32](p.t, p.Tab, "(async () => Array.from(await "+expression+"))()")
}

// farthest returns the largest difference of two pictures.
func farthest(t *testing.T, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("a picture of %d values, want %d", len(got), len(want))
	}
	var most float64
	for i, v := range got {
		most = max(most, math.Abs(float64(v-want[i])))
	}
	return most
}

// settled is the picture that is shown, when the worker has nothing more to do.
const settled = `new Promise((done) => setTimeout(() => done(imagoExplore.space.values), 400))`

// saved makes the page note the files that it gives to the person.
const saved = `(() => { const make = URL.createObjectURL; globalThis.saved = []; URL.createObjectURL = (b) => { saved.push(b); return make.call(URL, b); }; return true; })()`

// key presses a key on the element that has the focus.
func (p *place) key(keys string) {
	p.t.Helper()
	chromium.Run(p.t, p.Tab, chromedp.KeyEvent(keys))
}

const explored = `globalThis.imagoExplore?.stage.scatter.count > 1000 && imagoExplore.space.values`

// TestExplore checks that the picture follows the pointer and is that of the engine, that the lasso counts items, and that the
// address brings the same code back.
func TestExplore(t *testing.T) {
	p := openStudio(t)
	p.open("/explore/zoo%3Acnn-vae", explored)
	m := p.model("cnn-vae")
	var z []float32
	for _, at := range [][2]float64{{.3, .4}, {.45, .6}} {
		x, y := p.at(".x-box", at[0], at[1])
		chromium.Run(t, p.Tab, chromedp.MouseEvent(chromedp.MouseMoved, x, y))
		got := p.numbers(settled)
		z = p.numbers("imagoExplore.space.z")
		want, err := m.Decode(t.Context(), z)
		if err != nil {
			t.Fatal(err)
		}
		if d := farthest(t, got, want); d > 1.0/255 {
			t.Errorf("at %v, code %v, a value is %g from that of the engine", at, z, d)
		}
	}
	p.press(".seg label:nth-child(2) input")
	p.drag(".x-box", [2]float64{.2, .2}, [2]float64{.6, .22}, [2]float64{.58, .7}, [2]float64{.22, .68})
	p.wait(`document.querySelector(".x-lasso dd")`)
	inside := chromium.Eval[int](t, p.Tab, `parseInt(document.querySelector(".x-lasso h2").textContent.replace(/\D/g, ""))`)
	if sum := chromium.Eval[int](t, p.Tab, `[...document.querySelectorAll(".x-lasso dd")].reduce((s, d) => s + +d.textContent.replace(/\D/g, ""), 0)`); sum != inside || inside < 100 {
		t.Errorf("the lasso has %d items, and its classes %d", inside, sum)
	}
	p.press(".x-lasso .btn:not(.icon)")
	mean := p.numbers("new Promise((done) => setTimeout(() => done(imagoExplore.space.z), 900))")
	p.open(chromium.Eval[string](t, p.Tab, "location.pathname + location.search"), explored)
	for i, v := range p.numbers("imagoExplore.space.z") {
		if math.Abs(float64(v-mean[i])) > 1e-3 {
			t.Errorf("the address brings back %v for unit %d, want %v", v, i, mean[i])
		}
	}
}

// TestExploreMany checks that 100,000 points are drawn, and logs how long a frame takes; 1,000,000 are taken too.
func TestExploreMany(t *testing.T) {
	p := openStudio(t)
	p.open("/explore/zoo%3Acnn-vae", explored)
	for _, n := range []int{100_000, 1_000_000} {
		got := chromium.Eval[[]float64](t, p.Tab, fmt.Sprintf(`(() => {
			const s = imagoExplore.stage.scatter, n = %d, at = new Float32Array(2 * n), kinds = new Uint8Array(n);
			for (let i = 0; i < n; i++) { const r = 3 * Math.sqrt((i + 0.5) / n), a = i * 2.399963; at[2 * i] = r * Math.cos(a); at[2 * i + 1] = r * Math.sin(a); kinds[i] = i %% 10; }
			let start = performance.now();
			s.set(at, kinds);
			const load = performance.now() - start, gl = s.canvas.getContext("webgl2"), pixel = new Uint8Array(4 * 100 * 100), frames = 20;
			s.now();
			gl.readPixels(gl.drawingBufferWidth / 2 - 50, gl.drawingBufferHeight / 2 - 50, 100, 100, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
			const inked = pixel.filter((v, i) => i %% 4 === 3 && v > 0).length;
			start = performance.now();
			for (let i = 0; i < frames; i++) { s.now(); gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); }
			return [load, (performance.now() - start) / frames, inked, s.nearest(at[20000], at[20001], 0.01)[0]];
		})()`, n))
		pan := chromium.Eval[[]float64](t, p.Tab, `new Promise((done) => {
			const s = imagoExplore.stage.scatter, gl = s.canvas.getContext("webgl2"), begin = performance.now(), times = [];
			const step = (now) => {
				gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
				times.push(performance.now());
				if (now - begin > 2000) { const late = times.filter((t) => t > begin + 700); done([1000 * (late.length - 1) / (late.at(-1) - late[0]), s.count]); return; }
				s.draw({ x: Math.sin(now / 300), y: 0, scale: 100 });
				requestAnimationFrame(step);
			};
			requestAnimationFrame(step);
		})`)
		t.Logf("%d points: indexed and loaded in %.0f ms, all drawn in %.1f ms, %.0f frames a second while the view moves", n, got[0], got[1], pan[0])
		if int(pan[1]) != n {
			t.Errorf("after the view moved there are %v points, want %d", pan[1], n)
		}
		if got[2] < 1000 || got[3] != 10000 {
			t.Errorf("%d points: %v of 10,000 pixels in the middle have ink, and the point found at point 10,000 is %v", n, got[2], got[3])
		}
	}
}

// TestExploreSeeds checks that the pictures of a seed are those that imago sample draws.
func TestExploreSeeds(t *testing.T) {
	p := openStudio(t)
	p.open("/explore/zoo%3Acnn-vae?tool=seeds&seed=12", explored)
	m := p.model("cnn-vae")
	const n = 3
	want, err := m.Sample(t.Context(), rng.New(12).Split("sample"), n, nil)
	if err != nil {
		t.Fatal(err)
	}
	size := len(want) / n
	for i := range n {
		got := p.numbers(fmt.Sprintf("imagoExplore.space.decoder.sample(12n, %d).then((d) => d.values)", i))
		if d := farthest(t, got, want[i*size:(i+1)*size]); d > 1.0/255 {
			t.Errorf("picture %d: a value is %g from that of imago sample", i, d)
		}
	}
	p.wait(`document.querySelectorAll(".draws button:not(:disabled)").length === 12`)
}

// TestExploreFilm walks a path by keys alone, and takes it away as films.
func TestExploreFilm(t *testing.T) {
	p := openStudio(t)
	p.open("/explore/zoo%3Acnn-vae", explored)
	chromium.Eval[bool](t, p.Tab, saved)
	chromium.Run(t, p.Tab, chromedp.Focus(".x-box"))
	before := p.numbers("imagoExplore.space.z")
	for _, k := range []string{kb.ArrowLeft, kb.ArrowLeft, "p", kb.ArrowUp, kb.ArrowUp, "p", kb.ArrowRight, "p"} {
		p.key(k)
	}
	if after := p.numbers("imagoExplore.space.z"); after[0] >= before[0] || after[1] <= before[1] {
		t.Errorf("after the arrow keys the code is %v, before it was %v", after, before)
	}
	p.wait(`document.querySelectorAll("ol.shelf li").length === 3 && document.querySelector(".film")`)
	chromium.Eval[bool](t, p.Tab, `(() => { const r = document.querySelector(".x-panel input[type=range]"); r.value = 0.25; r.dispatchEvent(new Event("input", { bubbles: true })); return true; })()`)
	for i, want := range []string{"GIF89a", "\x89PNG\r\n\x1a\n", "\x1aE\xdf\xa3"} {
		p.wait(fmt.Sprintf(`!document.querySelector("[aria-label='Save the film'] .btn:nth-of-type(%d)").disabled`, i+1))
		chromium.Run(t, p.Tab, chromedp.Focus(fmt.Sprintf("[aria-label='Save the film'] .btn:nth-of-type(%d)", i+1)))
		p.key(kb.Enter)
		p.wait(fmt.Sprintf("saved.length > %d", i))
		head := p.numbers(fmt.Sprintf("saved[%d].slice(0, 8).arrayBuffer().then((b) => new Uint8Array(b))", i))
		var b []byte
		for _, v := range head {
			b = append(b, byte(v))
		}
		if !strings.HasPrefix(string(b), want) {
			t.Errorf("film %d begins with %q, want %q", i, b, want)
		}
	}
	if frames := chromium.Eval[int](t, p.Tab, `saved[1].arrayBuffer().then((b) => { const v = new DataView(b), at = 8 + 25 + 8; return v.getUint32(at); })`); frames < 12 {
		t.Errorf("the APNG says that it has %d frames", frames)
	}
	decoded := chromium.Eval[int](t, p.Tab, `createImageBitmap(saved[1]).then((i) => i.width)`)
	if decoded < 28 {
		t.Errorf("the browser reads an APNG %d wide", decoded)
	}
}

// TestOwn draws a digit, and drops a photograph on a model of faces and edits it.
func TestOwn(t *testing.T) {
	p := openStudio(t)
	p.open("/own/zoo%3Acnn-vae", `document.querySelector(".o-pad canvas")`)
	p.drag(".o-pad canvas", [2]float64{.3, .25}, [2]float64{.7, .25}, [2]float64{.6, .5}, [2]float64{.45, .85})
	p.wait(`document.querySelector(".o-bars")`)
	p.wait(`document.querySelectorAll(".o-near img").length > 3`)
	p.wait(`document.querySelector(".o-score b")`)
	lit := func(selector string) int {
		return chromium.Eval[int](t, p.Tab, fmt.Sprintf(`(() => { const c = document.querySelector(%q), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] > 80; return n; })()`, selector))
	}
	if seen, shown := lit(".o-seen canvas"), lit(".shown"); seen < 30 || shown < 20 {
		t.Errorf("the model sees %d light pixels, and makes %d", seen, shown)
	}

	photograph := filepath.Join(t.TempDir(), "face.png")
	m := p.model("face-vae")
	pix, err := m.Sample(t.Context(), rng.New(3), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.WritePicture(photograph, pix, 1); err != nil {
		t.Fatal(err)
	}
	p.open("/own/zoo%3Aface-vae", `document.querySelector(".o-drop")`)
	chromium.Run(t, p.Tab, chromedp.SetUploadFiles("input[type=file]", []string{photograph}))
	p.wait(`document.querySelector(".o-frame") && document.querySelector(".o-bars")`)
	picture := `document.querySelector(".shown").toDataURL()`
	chromium.Eval[bool](t, p.Tab, "new Promise((done) => setTimeout(() => done(true), 400))")
	whole := chromium.Eval[string](t, p.Tab, picture)
	chromium.Run(t, p.Tab, chromedp.Focus(".o-frame"))
	p.key("-")
	p.key(kb.ArrowLeft)
	p.wait(picture + " !== " + fmt.Sprintf("%q", whole))
	p.wait(`document.querySelectorAll(".direction").length > 5`)
	before := chromium.Eval[string](t, p.Tab, picture)
	chromium.Run(t, p.Tab, chromedp.Focus(".direction input"))
	for range 20 {
		p.key(kb.ArrowRight)
	}
	p.wait(picture + " !== " + fmt.Sprintf("%q", before))
}

// TestLearn opens the pages of Learn, and compares the gradients of the game with differences of its losses.
func TestLearn(t *testing.T) {
	p := openStudio(t)
	for _, page := range []string{"noise", "beta", "holes"} {
		p.open("/learn/"+page, `document.querySelector("canvas.pix.sharp")`)
	}
	p.open("/learn/gan", `globalThis.imagoGame`)
	off := chromium.Eval[float64](t, p.Tab, `(() => {
		const g = imagoGame.current, x = g.draw(5), weigh = Float64Array.from({ length: 5 }, (_, i) => Math.sin(i + 1));
		const loss = () => { const y = g.D.forward(g.G.forward(x, 5), 5); return y.reduce((s, v, i) => s + v * weigh[i], 0); };
		loss(); g.G.clear(); g.D.clear(); g.G.backward(g.D.backward(weigh));
		let worst = 0;
		for (const [net, grads] of [[g.G, g.G.dw], [g.D, g.D.dw], [g.G, g.G.db], [g.D, g.D.db]]) grads.forEach((d, l) => {
			const w = (grads === net.dw ? net.w : net.b)[l];
			for (let i = 0; i < w.length; i += 7) { const was = w[i], h = 1e-6; w[i] = was + h; const up = loss(); w[i] = was - h; const down = loss(); w[i] = was; worst = Math.max(worst, Math.abs((up - down) / (2 * h) - d[i])); }
		});
		return worst;
	})()`)
	if off > 1e-5 {
		t.Errorf("a gradient of the game is %g from the difference of the loss", off)
	}
	p.press(".l-two .btn.primary")
	p.wait(`imagoGame.current.steps > 50`)
}
