//go:build !amd64

package digest

const haveLanes = false

func compress16(*[16]cv, *lanes, uint64, uint32, uint32, uint32) { panic("digest: no vector code") }
