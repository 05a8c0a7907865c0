//go:build !amd64 || purego

package kernel

func combine(a *CombineArgs) { combineGeneric(a) }
func inverse(a *InverseArgs) { inverseGeneric(a) }
