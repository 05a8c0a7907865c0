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
	"github.com/imago-ml/imago/models/model"
)

// modes are the classes that the feature net gives to images drawn from the model's
// prior. Of images whose channels are images of a set of their own (data.Set.Channels)
// a mode is the classes of all channels, K³ of them in RGB: Metz et al.,
// arXiv:1611.02163, section 3.3.1.
type modes struct {
	counts []int     // (modes), of images
	want   []float64 // (modes), shares that sum to 1: of the training labels, or uniform
	images int
	note   string
}

// stackedModes is how many images the modes of a set with channels are counted on for
// every 10 of Protocol.Made: 26,000 are published for stacked MNIST.
const stackedModes = 26

// counted counts the modes once for all metrics; why says that there are none.
func (s *evaluation) countModes(ctx context.Context) (m *modes, why string, err error) {
	if s.modes != nil {
		return s.modes, "", nil
	}
	if s.task.Set.Channels != nil {
		m, why, err = s.channelModes(ctx)
	} else {
		m, why, err = s.classModes(ctx)
	}
	if err == nil && why == "" {
		s.modes = m
	}
	return m, why, err
}

// madeClasses returns the class that the net of the set gives each of the images that were
// drawn for the other metrics; why says that there are none.
func (s *evaluation) generatedClasses(ctx context.Context) (net *feature.Net, classes []int32, why string, err error) {
	if net, why, err = s.openNet(ctx); err != nil || why != "" {
		return nil, nil, why, err
	}
	if !net.Exclusive {
		return nil, nil, "the labels are attributes, of which an image may have several", nil
	}
	made, why, err := s.generatedEmbedding(ctx, net)
	if err != nil || why != "" {
		return nil, nil, why, err
	}
	return net, probe.Argmax(made.probabilities, len(net.Labels)), "", nil
}

// classes counts them.
func (s *evaluation) classModes(ctx context.Context) (m *modes, why string, err error) {
	net, classes, why, err := s.generatedClasses(ctx)
	if err != nil || why != "" {
		return nil, why, err
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
		var told []string
		for i, n := range m.counts {
			told = append(told, fmt.Sprintf("%s %d", net.Labels[i], n))
		}
		m.note = fmt.Sprintf("%d made images by class: %s; ", m.images, strings.Join(told, ", "))
	}
	m.note += netNote(net, s.img)
	return m, "", nil
}

// stackedClasses draws images and shows each of their channels to the net of the set
// that the channels are of.
func (s *evaluation) channelModes(ctx context.Context) (m *modes, why string, err error) {
	net, why, err := s.openNetOf(ctx, &s.channelNet, s.task.Set.Channels)
	if err != nil || why != "" {
		return nil, why, err
	}
	if !net.Exclusive {
		return nil, "the labels of the channels are attributes, of which an image may have several", nil
	}
	src, err := fromPrior(ctx, s)
	if err != nil || src.absent != "" {
		return nil, src.absent, err
	}
	k, c := len(net.Labels), s.img.C
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
		channels, err := data.NewInMemory(splitChannels(data.Bytes(x), s.img.H, s.img.W, c), n*c, s.img.H, s.img.W, 1)
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
	m.note = "each channel by " + netNote(net, model.Image{H: s.img.H, W: s.img.W, C: 1})
	return m, "", nil
}

// maxModes is more than can be counted on the images that are made.
const maxModes = 1 << 16

// apart returns pixels (N,H,W,C) as (N,C,H,W): an image for each channel.
func splitChannels(pix []uint8, h, w, c int) []uint8 {
	out := make([]uint8, len(pix))
	for i, v := range pix {
		image, at, ch := i/(h*w*c), i/c%(h*w), i%c
		out[(image*c+ch)*h*w+at] = v
	}
	return out
}

// ofModes returns a metric of the modes, which are counted once.
func modeMetric(value func(m *modes) (v float64, why string)) func(context.Context, *evaluation) (result, error) {
	return func(ctx context.Context, s *evaluation) (result, error) {
		m, why, err := s.countModes(ctx)
		if err != nil || why != "" {
			return result{absent: why}, err
		}
		v, why := value(m)
		return result{value: v, images: m.images, note: m.note, absent: why}, nil
	}
}

// modesFound returns how many modes have an image at least. The number of images of each is
// in per_unit.
func modesFound(ctx context.Context, s *evaluation) (result, error) {
	found := func(m *modes) (float64, string) {
		n := 0
		for _, c := range m.counts {
			if c > 0 {
				n++
			}
		}
		return float64(n), ""
	}
	r, err := modeMetric(found)(ctx, s)
	if err == nil && r.absent == "" {
		for _, c := range s.modes.counts {
			r.units = append(r.units, float64(c))
		}
	}
	return r, err
}

// kl returns Σ p ln(p/w), in nats, of the shares p of the modes from those that are wanted.
func (m *modes) kl() (float64, string) {
	kl := 0.0
	for i, n := range m.counts {
		p := float64(n) / float64(m.images)
		switch {
		case n == 0:
		case m.want[i] == 0:
			return 0, fmt.Sprintf("%d made images are of class %d, which no training image is of: the divergence is infinite", n, i)
		default:
			kl += p * math.Log(p/m.want[i])
		}
	}
	return max(kl, 0), ""
}

// extremes returns the shares of the modes with the most images and with the fewest, times
// the number of modes: 1 is uniform. Modes that are not wanted do not count.
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

func modeLeast(m *modes) (float64, string) {
	v, _ := m.extremes()
	return v, ""
}

func modeMost(m *modes) (float64, string) {
	_, v := m.extremes()
	return v, ""
}

// ofModes says what those metrics are measured on.
func (p Protocol) aboutModes(what string) string {
	return fmt.Sprintf("%s; %d images drawn from the model's prior, each of the mode that imago's own net takes it for, version %d", what, p.modesImages, feature.Version)
}
