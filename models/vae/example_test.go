package vae_test

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// The layers are those that Keras' summary prints of the published program.
func Example() {
	var models model.Registry
	models.Register(vae.MLPVAE())
	models.Register(vae.CNNVAE())

	recipe, err := models.Recipe("cnn-vae")
	if err != nil {
		panic(err)
	}
	config, err := models.Config(recipe)
	if err != nil {
		panic(err)
	}
	m, err := config.New(model.Input{Image: model.Image{H: 28, W: 28, C: 1}})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Objective)
	for _, net := range m.Networks {
		fmt.Printf("\n%s: %d parameters\n", net.Name, net.Params())
		for _, l := range net.Layers {
			line := fmt.Sprintf("%-18s %-15s %-13v %6d  %s", l.Name, l.Kind, l.Out[1:], l.Params, strings.Join(l.Inputs, " "))
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// loss = Σ_pixels (x − x̂)² + 1·KL(q(z|x) ‖ N(0, I)), nats per image (Gaussian pixels of σ² = ½, constant left out)
	//
	// encoder: 69076 parameters
	// input_1            InputLayer      [28,28,1]          0
	// conv2d             Conv2D          [14,14,32]       320  input_1
	// conv2d_1           Conv2D          [7,7,64]       18496  conv2d
	// flatten            Flatten         [3136]             0  conv2d_1
	// dense              Dense           [16]           50192  flatten
	// z_mean             Dense           [2]               34  dense
	// z_log_var          Dense           [2]               34  dense
	// sampling           Sampling        [2]                0  z_mean z_log_var
	//
	// decoder: 65089 parameters
	// input_2            InputLayer      [2]                0
	// dense_1            Dense           [3136]          9408  input_2
	// reshape            Reshape         [7,7,64]           0  dense_1
	// conv2d_transpose   Conv2DTranspose [14,14,64]     36928  reshape
	// conv2d_transpose_1 Conv2DTranspose [28,28,32]     18464  conv2d_transpose
	// conv2d_transpose_2 Conv2DTranspose [28,28,1]        289  conv2d_transpose_1
	//
	// cnn-vae: 134165 parameters
	// input_1            InputLayer      [28,28,1]          0
	// encoder            Model           [2]            69076  input_1
	// decoder            Model           [28,28,1]      65089  encoder
}
