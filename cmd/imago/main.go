// Command imago trains generative models, shows what they learned and draws from them.
//
//	imago quickstart
//	imago train cnn-vae --data mnist --epochs 50
//	imago sample latest
//
// What it can do is in package cli, which a program with models or data of its own calls in the same way.
package main

import "github.com/imago-ml/imago/cli"

func main() { cli.Main() }
