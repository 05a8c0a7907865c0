package cpu_test

import (
	"fmt"
	"testing"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
)

// BenchmarkMatMul times products (M, K)·(K, N) on one thread, of sizes from 1 to 4096 of up to 2³¹ products.
func BenchmarkMatMul(b *testing.B) {
	sizes := []int{1, 8, 64, 256, 1024, 4096}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				if m*n*k <= 1<<31 {
					b.Run(fmt.Sprintf("M=%d/N=%d/K=%d", m, n, k), func(b *testing.B) { benchMatMul(b, m, n, k) })
				}
			}
		}
	}
}

func benchMatMul(b *testing.B, m, n, k int) {
	be := cpu.New(1)
	defer be.Close()
	y := graph.MatMul(graph.State("x", m, k), graph.State("w", k, n))
	p, err := be.Compile(function(b, nil, y), be.NewState(), backend.Options{})
	if err != nil {
		b.Fatal(err)
	}
	out := []*tensor.Tensor{p.Outputs()[0].New()}
	for b.Loop() {
		if err := p.Run(nil, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
