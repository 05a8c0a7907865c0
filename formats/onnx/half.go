package onnx

import "slices"

// inHalf says which operators compute in 16 bits with Float16. The others sum, divide or grow beyond what 16 bits hold.
var inHalf = []string{
	"Conv", "ConvTranspose", "MatMul", "Gemm", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Add", "Sub", "Mul", "Neg", "Max", "Min", "Abs",
	"Reshape", "Transpose", "Slice", "Concat", "Pad", "Expand", "Where", "Gather",
}

// isProduct reports whether an operator computes in 16 bits what it is given in 32: its operands are rounded. The others take
// the type of their operands.
func isProduct(op string) bool {
	return op == "Conv" || op == "ConvTranspose" || op == "MatMul" || op == "Gemm"
}

// halves returns the values that are in 16 bits with Float16, of nodes in which operands come before their users.
func halves(nodes []*value) map[*value]bool {
	decides := map[*value]bool{} // what a comparison of computed values depends on: it stays in 32 bits
	var mark func(v *value)
	mark = func(v *value) {
		if decides[v] {
			return
		}
		decides[v] = true
		for _, x := range v.in {
			mark(x)
		}
	}
	for _, v := range nodes {
		if v.kind == boolean && (v.op == "Equal" || v.op == "Greater") && !slices.ContainsFunc(v.in, (*value).isConst) {
			mark(v)
		}
	}
	half := map[*value]bool{}
	for _, v := range nodes {
		if v.kind != float || decides[v] || !slices.Contains(inHalf, v.op) {
			continue
		}
		wide := func(x *value) bool { return x.kind == float && x.op != opConst && !half[x] }
		half[v] = isProduct(v.op) || !slices.ContainsFunc(v.in, wide)
	}
	return half
}
