package gan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/model"
)

// The layers of residual networks, the default ones for MNIST.
func TestLayersOfResNet(t *testing.T) {
	m := newModel(t, mnist, ResNetGAN)
	var b strings.Builder
	for _, n := range m.Networks() {
		for _, l := range n.Layers {
			fmt.Fprintln(&b, n.Name, l.Name, l.Out[1:], l.Params, strings.Join(l.Inputs, " "))
		}
	}
	const want = `generator input_1 [128] 0 
generator dense [3136] 404544 input_1
generator reshape [7,7,64] 0 dense
generator up_norm [7,7,64] 128 reshape
generator up_double [14,14,64] 0 up_norm
generator up_conv2d [14,14,64] 36928 up_double
generator up_norm_1 [14,14,64] 128 up_conv2d
generator up_conv2d_1 [14,14,64] 36928 up_norm_1
generator up_side [14,14,64] 0 reshape
generator up [14,14,64] 0 up_conv2d_1 up_side
generator up_1_norm [14,14,64] 128 up
generator up_1_double [28,28,64] 0 up_1_norm
generator up_1_conv2d [28,28,32] 18464 up_1_double
generator up_1_norm_1 [28,28,32] 64 up_1_conv2d
generator up_1_conv2d_1 [28,28,32] 9248 up_1_norm_1
generator up_1_conv1x1 [14,14,32] 2080 up
generator up_1_side [28,28,32] 0 up_1_conv1x1
generator up_1 [28,28,32] 0 up_1_conv2d_1 up_1_side
generator batch_normalization [28,28,32] 64 up_1
generator conv2d [28,28,1] 289 batch_normalization
discriminator input_2 [28,28,1] 0 
discriminator down_conv2d [28,28,32] 320 input_2
discriminator down_norm_1 [28,28,32] 0 down_conv2d
discriminator down_conv2d_1 [28,28,32] 9248 down_norm_1
discriminator down_halve [14,14,32] 0 down_conv2d_1
discriminator down_side [14,14,1] 0 input_2
discriminator down_conv1x1 [14,14,32] 64 down_side
discriminator down [14,14,32] 0 down_halve down_conv1x1
discriminator down_1_norm [14,14,32] 0 down
discriminator down_1_conv2d [14,14,64] 18496 down_1_norm
discriminator down_1_norm_1 [14,14,64] 0 down_1_conv2d
discriminator down_1_conv2d_1 [14,14,64] 36928 down_1_norm_1
discriminator down_1_halve [7,7,64] 0 down_1_conv2d_1
discriminator down_1_side [7,7,32] 0 down
discriminator down_1_conv1x1 [7,7,64] 2112 down_1_side
discriminator down_1 [7,7,64] 0 down_1_halve down_1_conv1x1
discriminator relu [7,7,64] 0 down_1
discriminator flatten [3136] 0 relu
discriminator dense_1 [1] 3137 flatten
resnet-gan input_1 [128] 0 
resnet-gan generator [28,28,1] 508993 input_1
resnet-gan discriminator [1] 70305 generator
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	last := newModel(t, faces, ResNetGAN).Networks()[0].Layers
	if first := last[2]; fmt.Sprint(first.Out[1:]) != "[4,4,256]" {
		t.Errorf("for faces the generator starts with %v", first.Out)
	}
	_, err := configured(t, ResNetGAN, "filters", "8,8,8").New(model.Input{Image: mnist})
	if want := "gan: images of 28x28x1: with 3 layers of --filters rows and columns must be multiples of 8; use --size 32, or fewer --filters"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
