package eval

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
)

// modes are the classes that the feature net gives to images drawn from the model's prior.
// If the channels of an image are images of another set (data.Set.Channels), a mode is the
// combination of the classes of all channels, K³ of them in RGB: Metz et al.,
// arXiv:1611.02163, section 3.3.1.
type modes struct {
	counts []int     // (modes), of images
	want   []float64 // (modes), shares that sum to 1: of the training labels, or uniform
	images int
	note   string
}

// stackedModes is the number of images on which the modes of a set with channels are counted
// for every 10 of Protocol.Generated: published numbers for stacked MNIST have 26,000.
const stackedModes = 26

// countModes returns the modes, counted once for all metrics; reason says why there are
// none.
func (s *evaluation) countModes(ctx context.Context) (m *modes, reason string, err error) {
	if s.modes != nil {
		return s.modes, "", nil
	}
	if s.task.Set.Channels != nil {
		m, reason, err = s.channelModes(ctx)
	} else {
		m, reason, err = s.classModes(ctx)
	}
	if err == nil && reason == "" {
		s.modes = m
	}
	return m, reason, err
}

// generatedClasses returns the class that the feature net gives each generated image; reason says
// why there are none.
func (s *evaluation) generatedClasses(ctx context.Context) (net *feature.Net, classes []int32, reason string, err error) {
	if net, reason, err = s.openNet(ctx); err != nil || reason != "" {
		return nil, nil, reason, err
	}
	if !net.Exclusive {
		return nil, nil, "the labels are attributes, of which an image may have several", nil
	}
	generated, reason, err := s.generatedEmbedding(ctx, net)
	if err != nil || reason != "" {
		return nil, nil, reason, err
	}
	return net, probe.Argmax(generated.probabilities, len(net.Labels)), "", nil
}

// classModes returns the modes of a set whose modes are its classes.
func (s *evaluation) classModes(ctx context.Context) (m *modes, reason string, err error) {
	net, classes, reason, err := s.generatedClasses(ctx)
	if err != nil || reason != "" {
		return nil, reason, err
	}
	k := len(net.Labels)
	m = &modes{counts: make([]int, k), want: make([]float64, k), images: s.task.Generated}
	for _, c := range classes {
		m.counts[c]++
	}
	labels := s.task.Set.Train.Labels
	for _, l := range labels {
		m.want[l] += 1 / float64(len(labels))
	}
	if k <= 20 {
		var counts []string
		for i, n := range m.counts {
			counts = append(counts, fmt.Sprintf("%s %d", net.Labels[i], n))
		}
		m.note = fmt.Sprintf("%d generated images by class: %s; ", m.images, strings.Join(counts, ", "))
	}
	m.note += netNote(net, s.img)
	return m, "", nil
}

// channelModes returns the modes of a set with channels: it draws images and classifies each
// of their channels by the net of the set from which the channels come.
func (s *evaluation) channelModes(ctx context.Context) (m *modes, reason string, err error) {
	net, reason, err := s.openNetOf(ctx, &s.channelNet, s.task.Set.Channels)
	if err != nil || reason != "" {
		return nil, reason, err
	}
	if !net.Exclusive {
		return nil, "the labels of the channels are attributes, of which an image may have several", nil
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return nil, src.absent, err
	}
	h, w, c, err := medium.HWC(s.img)
	if err != nil {
		return nil, err.Error(), nil
	}
	k := len(net.Labels)
	all := int(math.Pow(float64(k), float64(c)))
	if all > maxModes {
		return nil, fmt.Sprintf("%d classes in each of %d channels are more than %d modes", k, c, maxModes), nil
	}
	m = &modes{counts: make([]int, all), want: slices.Repeat([]float64{1 / float64(all)}, all), images: s.task.modesImages}
	for at := 0; at < m.images; at += chunkImages {
		n := min(chunkImages, m.images-at)
		x, err := src.next(at, n)
		if err != nil {
			return nil, "", err
		}
		channels, err := data.NewInMemory(splitChannels(pixels.Bytes(x), h, w, c), n*c, pixels.Item(h, w, 1))
		if err != nil {
			return nil, "", err
		}
		_, p, err := net.Describe(ctx, channels)
		if err != nil {
			return nil, "", err
		}
		classes := probe.Argmax(p, k)
		for i := range n {
			mode := 0
			for _, class := range classes[i*c : (i+1)*c] {
				mode = mode*k + int(class)
			}
			m.counts[mode]++
		}
		s.progress(at+n, m.images)
	}
	m.note = "each channel by " + netNote(net, pixels.Item(h, w, 1))
	return m, "", nil
}

// maxModes is the most modes that are counted: more are too many for the generated images.
const maxModes = 1 << 16

// splitChannels returns pixels (N,H,W,C) as (N,C,H,W): an image for each channel.
func splitChannels(pix []uint8, h, w, c int) []uint8 {
	out := make([]uint8, len(pix))
	for i, v := range pix {
		image, at, ch := i/(h*w*c), i/c%(h*w), i%c
		out[(image*c+ch)*h*w+at] = v
	}
	return out
}

// modeMetric returns the measure function of a metric of the modes.
func modeMetric(value func(m *modes) (v float64, reason string)) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		m, reason, err := s.countModes(ctx)
		if err != nil || reason != "" {
			return result{absent: reason}, err
		}
		v, reason := value(m)
		return result{value: v, images: m.images, note: m.note, absent: reason}, nil
	}
}

// modesFound returns the number of modes with at least one image, and the number of images
// of each mode.
func modesFound(ctx context.Context, s *evaluation) (result, error) {
	count := func(m *modes) (float64, string) {
		n := 0
		for _, c := range m.counts {
			if c > 0 {
				n++
			}
		}
		return float64(n), ""
	}
	r, err := modeMetric(count)(ctx, s)
	if err == nil && r.absent == "" {
		for _, c := range s.modes.counts {
			r.units = append(r.units, float64(c))
		}
	}
	return r, err
}

// kl returns KL(p ‖ w) = Σ p ln(p/w) in nats, of the shares p of the modes from the wanted
// shares w; reason says why it is infinite.
func (m *modes) kl() (float64, string) {
	kl := 0.0
	for i, n := range m.counts {
		p := float64(n) / float64(m.images)
		switch {
		case n == 0:
		case m.want[i] == 0:
			return 0, fmt.Sprintf("%d generated images are of class %d, of which there is no training image: the divergence is infinite", n, i)
		default:
			kl += p * math.Log(p/m.want[i])
		}
	}
	return max(kl, 0), ""
}

// extremes returns the shares of the rarest and of the most frequent mode, times the number
// of modes: 1 is uniform. Modes with a wanted share of 0 do not count.
func (m *modes) extremes() (least, most float64) {
	least = math.Inf(1)
	wanted := 0.0
	for i, n := range m.counts {
		if m.want[i] > 0 {
			wanted++
			least, most = min(least, float64(n)), max(most, float64(n))
		}
	}
	return least * wanted / float64(m.images), most * wanted / float64(m.images)
}

// modeLeast returns the share of the rarest mode, times the number of modes.
func modeLeast(m *modes) (float64, string) {
	v, _ := m.extremes()
	return v, ""
}

// modeMost returns the share of the most frequent mode, times the number of modes.
func modeMost(m *modes) (float64, string) {
	_, v := m.extremes()
	return v, ""
}

// aboutModes returns the protocol of these metrics in words.
func (p Protocol) aboutModes(what string) string {
	return fmt.Sprintf("%s; %d images drawn from the model's prior, each assigned to a mode by imago's own net, version %d", what, p.modesImages, feature.Version)
}
