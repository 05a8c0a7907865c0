package gallery

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/train"
)

// The cost of pictures. Those of the end are always drawn, in bounded sizes: a picture has
// as many items as fit it, not a given number of items of any size. Those before the end
// are drawn as often as is asked for, unless that takes more than a part of the time of
// training.
const (
	defaultShare = 0.1 // of the time of training that pictures before its end may take
	freeTime     = 500 * time.Millisecond
	firstCost    = time.Second // of all pictures, before they were drawn once

	sheetSize    = 1 << 20 // pixels of the images of a sheet together, about
	planeSide    = 1680    // pixels of a side of a manifold of small images
	planeItems   = 1450    // of one whose images are not enlarged, about
	frameSize    = 640     // pixels of a side of a frame of the animation
	animatedSize = 1 << 24 // pixels of all frames of an animation together, about
	largeItem    = 1 << 16 // values of an item, beyond which memory is collected before each picture
	keptFrames   = 256     // frames, after which every second interval has one, and so on
)

// A budget is the time that a gallery has spent in this process.
type budget struct {
	share float64 // that it may spend, of the time of training; negative = any
	start time.Time
	spent time.Duration // with pictures
	costs map[string]time.Duration
	noted bool
}

// allows reports whether there is time to draw what has this name, and afterwards all
// pictures of the end. first is what it costs before it was measured.
func (b *budget) allows(name string, first time.Duration) bool {
	if b.share < 0 {
		return true
	}
	cost, known := b.costs[name]
	if !known {
		cost = first
	}
	end, known := b.costs[allPictures]
	if !known && name == allPictures {
		end = first
	}
	trained := time.Since(b.start) - b.spent
	return b.spent+cost+end <= freeTime+time.Duration(b.share*float64(trained))
}

// spend measures what drawing costs.
func (b *budget) spend(name string, draw func() error) error {
	start := time.Now()
	err := draw()
	took := time.Since(start)
	b.spent += took
	b.costs[name] = took
	return err
}

// The names of what a budget measures.
const (
	allPictures = "pictures"
	oneFrame    = "frame"
)

// skip says once that pictures are drawn less often than was asked for.
func (b *budget) skip(v *train.View) {
	if b.noted {
		return
	}
	b.noted = true
	v.Notify("pictures", fmt.Sprintf("fewer than asked for before the end: they may take %.0f %% of the time of training", 100*b.share))
}

// sparse reports whether frame number k is one of those that are kept: all of the first
// keptFrames, every second one of the next as many, every fourth one of the next twice as
// many.
func sparse(k int) bool { return k < keptFrames || k%(1<<bits.Len(uint(k/keptFrames))) == 0 }

// room returns how many items fit size pixels, at least least and at most most.
func (s *Snapshot) room(size, least, most int) int {
	h, w, _ := medium.TileSize(s.session.Item())
	return min(max(size/h/w, least), most)
}

// fit returns how many items beside each other fit side pixels, at least least and at most
// most.
func (s *Snapshot) fit(side, least, most int) int {
	h, w, _ := medium.TileSize(s.session.Item())
	return min(max(side/max(h, w), least), most)
}
