package viz

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"time"

	xdraw "golang.org/x/image/draw"
)

// AnimationOptions are the timing and size of an animation. The zero value is good.
type AnimationOptions struct {
	Delay   time.Duration // each frame; 0 = 250 ms; a GIF counts in 10 ms
	Hold    time.Duration // the last frame; 0 = 2 s
	Once    bool          // stop at the last frame; else repeat without end
	MaxSide int           // frames with a longer side are shrunk to it; 0 = 960 pixels, negative = never
}

// maxFrames bounds an animation.
const maxFrames = 10000

// GIF encodes frames of one size as an animated GIF. Grey frames are stored in 128
// greys. Colour frames share 255 colours chosen from all of them; colours that are left
// out are approximated by an ordered dither pattern that does not flicker. After the
// first, a frame stores only the rectangle that changed, with the unchanged pixels in
// it transparent.
func GIF(frames []image.Image, opt AnimationOptions) ([]byte, error) {
	if len(frames) < 1 || len(frames) > maxFrames {
		return nil, fmt.Errorf("viz: gif: %d frames, want 1 to %d", len(frames), maxFrames)
	}
	if opt.Delay < 0 || opt.Hold < 0 || max(opt.Delay, opt.Hold) > 10*time.Minute {
		return nil, fmt.Errorf("viz: gif: delay %v and hold %v, want 0 to 10m", opt.Delay, opt.Hold)
	}
	rgba, err := toFrames(frames, opt.MaxSide)
	if err != nil {
		return nil, err
	}
	q := greyRamp()
	for _, f := range rgba {
		if !isGrey(f) {
			q = medianCut(rgba)
			break
		}
	}
	out := &gif.GIF{
		Config: image.Config{
			Width: rgba[0].Rect.Dx(), Height: rgba[0].Rect.Dy(),
			ColorModel: append(q.palette[:len(q.palette):len(q.palette)], color.RGBA{}),
		},
	}
	if opt.Once {
		out.LoopCount = -1
	}
	var last []uint8
	for i, f := range rgba {
		cur := q.indices(f)
		out.Image = append(out.Image, q.delta(last, cur, f.Rect))
		out.Disposal = append(out.Disposal, gif.DisposalNone)
		d := hundredths(opt.Delay, 250*time.Millisecond)
		if i == len(rgba)-1 {
			d = hundredths(opt.Hold, 2*time.Second)
		}
		out.Delay = append(out.Delay, d)
		last = cur
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, out); err != nil {
		return nil, fmt.Errorf("viz: gif: %w", err)
	}
	return b.Bytes(), nil
}

// hundredths returns d in hundredths of a second, the unit of a GIF, at least 2:
// browsers show shorter delays as 10.
func hundredths(d, def time.Duration) int {
	if d == 0 {
		d = def
	}
	return max(2, int((d+5*time.Millisecond)/(10*time.Millisecond)))
}

// toFrames checks the sizes and returns copies of the frames on white, reduced to
// maxSide.
func toFrames(frames []image.Image, maxSide int) ([]*image.RGBA, error) {
	if maxSide == 0 {
		maxSide = 960
	}
	var out []*image.RGBA
	for i, f := range frames {
		if f == nil || f.Bounds().Empty() {
			return nil, fmt.Errorf("viz: gif: frame %d is empty", i)
		}
		b := f.Bounds()
		if size := frames[0].Bounds().Size(); b.Size() != size {
			return nil, fmt.Errorf("viz: gif: frame %d is %d×%d, want %d×%d as frame 0", i, b.Dx(), b.Dy(), size.X, size.Y)
		}
		w, h := b.Dx(), b.Dy()
		if s := max(w, h); maxSide > 0 && s > maxSide {
			w, h = max(1, w*maxSide/s), max(1, h*maxSide/s)
		}
		if w > 65535 || h > 65535 {
			return nil, fmt.Errorf("viz: gif: frames of %d×%d pixels, want at most 65535 a side", w, h)
		}
		dst := image.NewRGBA(image.Rect(0, 0, w, h))
		fill(dst, paper)
		if w == b.Dx() {
			draw.Draw(dst, dst.Rect, unwrapped(f), b.Min, draw.Over)
		} else {
			xdraw.CatmullRom.Scale(dst, dst.Rect, unwrapped(f), b, draw.Over, nil)
		}
		out = append(out, dst)
	}
	return out, nil
}

// indices returns the palette indices of a frame.
func (q *quantiser) indices(f *image.RGBA) []uint8 {
	w, h := f.Rect.Dx(), f.Rect.Dy()
	out := make([]uint8, w*h)
	for y := range h {
		row := f.Pix[y*f.Stride:]
		for x := range w {
			out[y*w+x] = q.at(x, y, row[4*x], row[4*x+1], row[4*x+2])
		}
	}
	return out
}

// delta returns the part of cur that differs from last; the whole frame if last is nil.
func (q *quantiser) delta(last, cur []uint8, r image.Rectangle) *image.Paletted {
	w := r.Dx()
	clear := uint8(len(q.palette))
	pal := append(q.palette[:clear:clear], color.RGBA{})
	box := r
	if last != nil {
		box = image.Rectangle{}
		for i := range cur {
			if cur[i] != last[i] {
				x, y := i%w, i/w
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
		if box.Empty() { // a frame must have a pixel
			box = image.Rect(0, 0, 1, 1)
		}
	}
	img := image.NewPaletted(box, pal)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := img.Pix[(y-box.Min.Y)*img.Stride:]
		for x := box.Min.X; x < box.Max.X; x++ {
			i := y*w + x
			row[x-box.Min.X] = cur[i]
			if last != nil && cur[i] == last[i] {
				row[x-box.Min.X] = clear
			}
		}
	}
	return img
}
