//go:build !purego

package cpuid

import "testing"

func TestAMD64(t *testing.T) {
	EachImpl(t, "what", func(t *testing.T) {
		if AVX2FMA() != (Name() != "generic") || AVX512() != (Name() == "avx512") {
			t.Errorf("%s: AVX2FMA() = %v, AVX512() = %v", Name(), AVX2FMA(), AVX512())
		}
	})
}
