package studio

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/screen"
)

// A direction is where an attribute or a class lies among the codes.
type direction struct {
	Name      string   `json:"name"`
	Vector    []number `json:"vector"`    // of length 1
	AUROC     number   `json:"auroc"`     // how well it tells the items apart
	Items     int      `json:"items"`     // that have it
	Deviation number   `json:"deviation"` // of the codes along it: one unit of strength
}

// leastWith is the fewest items with and without an attribute of which a direction is made.
const leastWith = 5

// getDirections lists the directions of the attributes of the items whose codes are known, or else of their classes.
func (s *Studio) getDirections(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	c, err := s.codesOf(m)
	if err != nil {
		return err
	}
	list := []direction{}
	names, with := c.traits()
	for k, name := range names {
		if err := r.Context().Err(); err != nil {
			return err
		}
		has := with(k)
		d, err := c.direction(k, has)
		if err != nil {
			return err
		}
		if d != nil {
			d.Name = screen.Text(name)
			list = append(list, *d)
		}
	}
	return writeJSON(w, list)
}

// traits returns what items may have: their attributes, or else their classes; with says which items have the k-th.
func (c *codes) traits() (names []string, with func(k int) []bool) {
	n := len(c.index)
	if a := len(c.names); a > 0 && len(c.attributes) == n*a {
		return c.names, func(k int) []bool {
			has := make([]bool, n)
			for i := range has {
				has[i] = c.attributes[i*a+k] != 0
			}
			return has
		}
	}
	if len(c.labels) != n {
		return nil, nil
	}
	return c.classes, func(k int) []bool {
		has := make([]bool, n)
		for i := range has {
			has[i] = int(c.labels[i]) == k
		}
		return has
	}
}

// direction returns the direction of the k-th trait, which has says of each item; nil of one that nearly all or nearly no items
// have.
func (c *codes) direction(k int, has []bool) (*direction, error) {
	items := 0
	for _, h := range has {
		if h {
			items++
		}
	}
	if items < leastWith || len(has)-items < leastWith {
		return nil, nil
	}
	var d latent.Direction
	var err error
	if len(c.names) > 0 { // attributes go together: what the others explain is left out
		d, err = latent.PartialDifference(c.mean, c.units, c.attributes, k, len(c.names), 1)
	} else {
		d, err = latent.MeanDifference(c.mean, c.units, has)
	}
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	along := make([]float64, len(has))
	for i := range along {
		for u, v := range d.Vector {
			along[i] += v * float64(c.mean[i*c.units+u])
		}
	}
	auroc, err := probe.AUROC(along, has)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	return &direction{Vector: numbers(d.Vector), AUROC: number(auroc), Items: items, Deviation: number(d.Deviation)}, nil
}

// mostTSNE is the most codes of a projection by t-SNE, whose time grows with their square.
const mostTSNE = 2000

// A components says which code a point of a projection by PCA is: mean + x·axes[0] + y·axes[1].
type components struct {
	Mean []number   `json:"mean"`
	Axes [][]number `json:"axes"`
}

// getProjection answers with the codes in a plane.
func (s *Studio) getProjection(w http.ResponseWriter, r *http.Request) error {
	_, m, err := s.at(r)
	if err != nil {
		return err
	}
	c, err := s.codesOf(m)
	if err != nil {
		return err
	}
	kind := r.URL.Query().Get("kind")
	if kind != "pca" && kind != "tsne" {
		return faultf(http.StatusBadRequest, "kind is %q: want pca or tsne", kind)
	}
	m.projecting.Lock() // one at a time: whoever asks again gets what was computed
	defer m.projecting.Unlock()
	b := c.projections[kind]
	if b == nil {
		if b, err = c.project(r.Context(), kind); err != nil {
			return err
		}
		if c.projections == nil {
			c.projections = map[string][]byte{}
		}
		c.projections[kind] = b
	}
	if kind == "pca" {
		w.Header().Set("Imago-Components", c.components)
	}
	if unchanged(w, r, digest(b)) {
		return nil
	}
	return writeBytes(w, "application/octet-stream", b)
}

// project returns codes in a plane as the page reads them.
func (c *codes) project(ctx context.Context, kind string) ([]byte, error) {
	var points []float32
	if kind == "pca" {
		if c.units < 2 {
			return nil, faultf(http.StatusConflict, "codes of one unit have no plane")
		}
		p, err := latent.FitPCA(c.mean, c.units, 2)
		if err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
		about, err := json.Marshal(components{numbers(p.Center), [][]number{numbers(p.Components[:c.units]), numbers(p.Components[c.units:])}})
		if err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
		c.components = string(about)
		points = p.Project(c.mean)
	} else {
		n := min(len(c.index), mostTSNE)
		xy, _, err := latent.TSNE(ctx, c.mean[:n*c.units], c.units, latent.TSNEOptions{Key: rng.New(1).Split("studio")})
		if err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
		for _, p := range xy {
			points = append(points, p[0], p[1])
		}
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(points)/2))
	for _, v := range points {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b, nil
}
