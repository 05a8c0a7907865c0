package studio

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/train/runlog"
)

// sets are the data sets that were opened last.
type sets struct {
	s  *Studio
	mu sync.Mutex
	by map[string]*openSet
}

// An openSet is a set that is being opened, or was.
type openSet struct {
	done chan struct{}
	set  *data.Set
	err  error
	used time.Time
}

// The most data sets that are kept open, and for how long after their last use: they may be large.
const (
	mostSets = 3
	setAge   = 5 * time.Minute
)

// open returns the set that a run was trained on. The error of data that have changed names them. Who asks for a set that is being
// opened waits for it; the opening does not end with the request that began it, as others may need it.
func (d *sets) open(ctx context.Context, of runlog.Data, item medium.Item) (*data.Set, error) {
	if of.Unknown() {
		return nil, faultf(http.StatusConflict, "it is not known what this model was trained on: its weights were imported")
	}
	key := fmt.Sprintf("%s\x00%s\x00%+v", of.Source, of.Digest, of.Options())
	d.mu.Lock()
	o := d.by[key]
	if o == nil {
		o = &openSet{done: make(chan struct{})}
		d.by[key] = o
		d.s.work.Go(func() {
			defer close(o.done)
			if o.set, o.err = d.read(d.s.ctx, of, item); o.err != nil { // it is tried again when it is asked for again
				d.mu.Lock()
				delete(d.by, key)
				d.mu.Unlock()
			}
		})
	}
	o.used = time.Now()
	d.mu.Unlock()
	select {
	case <-o.done:
		return o.set, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read opens a set.
func (d *sets) read(ctx context.Context, of runlog.Data, item medium.Item) (*data.Set, error) {
	opt := of.Options()
	opt.Medium = item.Medium
	set, err := d.s.opt.Data.Open(ctx, of.Source, opt)
	if err != nil {
		return nil, err
	}
	if of.Digest != "" && set.Digest != of.Digest {
		return nil, faultf(http.StatusConflict, "the data at %s are not those that this model was trained on", of.Source)
	}
	return set, nil
}

// sweep drops the sets that were not used for a while, and those used first where there are too many.
func (d *sets) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		oldest := ""
		for key, o := range d.by {
			if oldest == "" || o.used.Before(d.by[oldest].used) {
				oldest = key
			}
		}
		if oldest == "" || len(d.by) <= mostSets && time.Since(d.by[oldest].used) < setAge {
			return
		}
		delete(d.by, oldest) // who uses it has it still
	}
}

// getItem answers with an item of the set of a run as a picture.
func (s *Studio) getItem(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		return err
	}
	index, err := strconv.Atoi(strings.TrimSuffix(r.PathValue("item"), ".png"))
	if err != nil {
		return faultf(http.StatusNotFound, "%q is no item: want its number and .png", r.PathValue("item"))
	}
	c, err := run.config()
	if err != nil {
		return err
	}
	in, err := c.Input(s.opt.Models)
	if err != nil {
		return err
	}
	if unchanged(w, r, c.Data.Digest+r.URL.RequestURI()) {
		return nil
	}
	c.Data.Source = c.Data.Place(run.folder.String())
	set, err := s.sets.open(r.Context(), c.Data, in.Item)
	if err != nil {
		return err
	}
	split, err := partOf(set, r.URL.Query().Get("set"))
	if err != nil {
		return err
	}
	if index < 0 || index >= split.Len() {
		return faultf(http.StatusNotFound, "there is no item %d: want 0 to %d", index, split.Len()-1)
	}
	values := make([]float32, in.Item.Size())
	if err := data.Floats(r.Context(), split.Items, []int32{int32(index)}, values); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "private, max-age=3600") // the data of a run do not change: their digest is a part of it
	return writeSheet(w, in.Item, values, 1)
}

// partOf returns a part of a set: train, or else test.
func partOf(set *data.Set, name string) (data.Split, error) {
	switch name {
	case trainPart, "":
		return set.Train, nil
	case testPart:
		return set.Test, nil
	}
	return data.Split{}, faultf(http.StatusBadRequest, "set is %q: want train or test", name)
}
