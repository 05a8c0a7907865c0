package gan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/models/model"
)

// The layers of residual networks, the default ones for MNIST.
func TestLayersOfResNet(t *testing.T) {
	m := newModel(t, mnist, ResNetGAN)
	var b strings.Builder
	for _, n := range m.Networks {
		for _, l := range n.Layers {
			fmt.Fprintln(&b, n.Name, l.Name, l.Out[1:], l.Params, strings.Join(l.Inputs, " "))
		}
	}
	const want = `generator input_1 [128] 0 
generator dense [1568] 202272 input_1
generator reshape [7,7,32] 0 dense
generator up_norm [7,7,32] 64 reshape
generator up_conv2d [14,14,32] 9248 up_norm
generator up_norm_1 [14,14,32] 64 up_conv2d
generator up_conv2d_1 [14,14,32] 9248 up_norm_1
generator up_side [14,14,32] 1056 reshape
generator up [14,14,32] 0 up_conv2d_1 up_side
generator up_1_norm [14,14,32] 64 up
generator up_1_conv2d [28,28,16] 4624 up_1_norm
generator up_1_norm_1 [28,28,16] 32 up_1_conv2d
generator up_1_conv2d_1 [28,28,16] 2320 up_1_norm_1
generator up_1_side [28,28,16] 528 up
generator up_1 [28,28,16] 0 up_1_conv2d_1 up_1_side
generator batch_normalization [28,28,16] 32 up_1
generator conv2d [28,28,1] 145 batch_normalization
discriminator input_2 [28,28,1] 0 
discriminator down_conv2d [28,28,16] 160 input_2
discriminator down_norm_1 [28,28,16] 0 down_conv2d
discriminator down_conv2d_1 [14,14,16] 2320 down_norm_1
discriminator down_side [14,14,16] 32 input_2
discriminator down [14,14,16] 0 down_conv2d_1 down_side
discriminator down_1_norm [14,14,16] 0 down
discriminator down_1_conv2d [14,14,32] 4640 down_1_norm
discriminator down_1_norm_1 [14,14,32] 0 down_1_conv2d
discriminator down_1_conv2d_1 [7,7,32] 9248 down_1_norm_1
discriminator down_1_side [7,7,32] 544 down
discriminator down_1 [7,7,32] 0 down_1_conv2d_1 down_1_side
discriminator relu [7,7,32] 0 down_1
discriminator flatten [1568] 0 relu
discriminator dense_1 [1] 1569 flatten
resnet-gan input_1 [128] 0 
resnet-gan generator [28,28,1] 229697 input_1
resnet-gan discriminator [1] 18513 generator
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	last := newModel(t, faces, ResNetGAN).Networks[0].Layers
	if first := last[2]; fmt.Sprint(first.Out[1:]) != "[4,4,256]" {
		t.Errorf("for faces the generator starts with %v", first.Out)
	}
	cfg := configured(t, ResNetGAN, "filters", "8,8,8")
	_, err := cfg.New(model.Input{Item: mnist})
	if want := "gan: images of 28x28x1: with 3 layers of --filters rows and columns must be multiples of 8; use --size 32, or at most 2 layers of --filters"; err == nil || flagText(cfg, err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
