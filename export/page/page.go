// Package page writes a trained model as one page of HTML: a file that is opened from a disk, asks no network for anything,
// and computes pictures on the device of its reader.
//
//	written, err := page.Write(ctx, trained, "model.html")
//
// Model is what such a page computes by itself, for a server whose page does the same: New makes it, and Lower again with other
// weights.
//
// The page has a plane of latent units under the pointer with the codes of training images, a slider for each unit, the
// labels of a conditional model, draws by seed, and, of a model with an encoder, a pad and a place for photographs. It is
// assembled from page.html, page.css and page.js, the runtime of package browser, the program of the model and its weights
// as base64. Its security policy forbids every request and every script but its own.
//
// Weights are float16 where that changes no value of a picture by more than half of a level of 256, which is measured by the
// engine, else float32. Texts from files are escaped. The package must not know any concrete model or command.
package page

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"path/filepath"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/export/browser"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// draws is the number of pictures of a seed.
const draws = 12

// pageBytes is how many bytes Write holds for a weight: those of Lower, as float16, as bytes of the page, and the text of these
// by itself, in the page and in the file.
const pageBytes = loweredBytes + 4 + 4 + 3*6

// Write writes the page of a trained model to a file, which is replaced whole. It returns an error for a model that draws no
// images of one or three channels.
func Write(ctx context.Context, t *train.Trained, name string) (export.Written, error) {
	if err := memory.Check(pageBytes*int64(nn.Count(t.Model().Params)), "the weights of the model, to be written in a page"); err != nil {
		return export.Written{}, err
	}
	m, err := New(t)
	if err != nil {
		return export.Written{}, err
	}
	half, difference, err := harmless(ctx, t, m.folded)
	if err != nil {
		return export.Written{}, err
	}
	weights := m.Program.Weights(half)
	text, err := assemble(t, describe(t, m, half), weights)
	if err != nil {
		return export.Written{}, err
	}
	if err := atomicfile.WriteBytes(name, []byte(text)); err != nil {
		return export.Written{}, fmt.Errorf("page: %w", err)
	}
	precision := "float32"
	if half {
		precision = fmt.Sprintf("float16, which changes no value by more than %.2f of a level", 255*difference)
	}
	w := export.Written{Name: name, About: fmt.Sprintf("%d KB, to be opened in a browser; %d KB are weights, as %s", len(text)>>10, len(weights)>>10, precision)}
	if strings.Contains(text, testImages) { // whoever mails the page should know
		w.About += fmt.Sprintf("; it shows small pictures of test %ss, which a page of the weights file alone does not", medium.Noun(t.Item()))
	}
	return w, nil
}

// A content is what page.js reads.
type content struct {
	*Model
	Half   bool              `json:"half"`
	Draws  int               `json:"draws"`
	Points *points           `json:"points,omitempty"`
	Text   map[string]string `json:"text"`
}

// describe returns what the page shows of a model.
func describe(t *train.Trained, m *Model, half bool) *content {
	c := &content{Model: m, Half: half, Points: m.points, Text: map[string]string{}}
	if t.HasPrior() {
		c.Draws = draws
	}
	c.Text["explore"] = "Each point of the plane is a code. Move over it: the model decodes the code below the pointer."
	if c.Latent > 2 {
		c.Text["explore"] = fmt.Sprintf("A code has %d units. The plane shows units %d and %d; the sliders are in the order of importance.", c.Latent, c.Plane[0], c.Plane[1])
	}
	if c.Points != nil {
		c.Text["explore"] += fmt.Sprintf(" The points are the codes of %s.", english.Plural(c.Points.count, "training "+medium.Noun(t.Item())))
	}
	c.Text["draws"] = "Pictures that the model draws at random: the same ones for the same number, here and by imago sample --seed."
	if !c.Sampler {
		c.Text["draws"] += " Choose one to explore from it."
	}
	c.Text["own"] = "Draw in the square, or choose, drop or paste a picture: the model encodes it and decodes the code. It stays on this device."
	if t.Item().Shape[2] == 3 {
		c.Text["own"] = "Choose, drop or paste a picture: the model encodes its middle square and decodes the code. It stays on this device."
	}
	return c
}

// assemble returns the page.
func assemble(t *train.Trained, about *content, weights []byte) (string, error) {
	model, err := json.Marshal(about) // with <, > and & escaped
	if err == nil && len(model) > packedFrom {
		model, err = pack(model)
	}
	if err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	run, err := runSection(t)
	if err != nil {
		return "", err
	}
	style, script := compact(pageCSS), compact(browser.Runtime+pageJS)
	policy := fmt.Sprintf("default-src 'none'; script-src '%s' 'wasm-unsafe-eval'; style-src '%s'; img-src data: blob:; base-uri 'none'; form-action 'none'", digest(script), digest(style))
	title := t.Config.Recipe
	if data := t.Config.Data.Name; data != "" {
		title += " on " + filepath.Base(data)
	}
	subtitle := fmt.Sprintf("Trained by imago for images of %s.", strings.ReplaceAll(fmt.Sprint(t.Item()), "x", "×"))
	if t.Latent() > 0 {
		subtitle = fmt.Sprintf("Trained by imago for images of %s, with codes of %s.", strings.ReplaceAll(fmt.Sprint(t.Item()), "x", "×"), english.Plural(t.Latent(), "unit"))
	}
	return strings.NewReplacer(
		"{{policy}}", policy, "{{title}}", html.EscapeString(title), "{{subtitle}}", html.EscapeString(subtitle), "{{style}}", style, "{{script}}", script,
		"{{run}}", run, "{{footer}}", html.EscapeString(fmt.Sprintf("Written by imago: %s at step %s.", t.Config.Recipe, english.Thousands(float64(t.Step)))),
		"{{model}}", string(model), "{{weights}}", base64.StdEncoding.EncodeToString(weights),
	).Replace(pageHTML), nil
}

// packedFrom is from how many bytes on what a page knows of a model is compressed: the sampler of a VQ-VAE, which draws place by
// place, has 2,785 steps. Browsers can inflate since 2020 to 2023, later than they have WebAssembly, so shorter ones stay as
// they are.
const packedFrom = 64 << 10

// pack returns the text that page.js inflates: base64 of its zlib stream.
func pack(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return []byte(base64.StdEncoding.EncodeToString(b.Bytes())), err
}

// digest returns the hash of a script or style by which a security policy allows it.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// compact returns the lines of a script or style without those of comments and without indentation.
func compact(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "// ") {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
