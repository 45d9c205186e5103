//go:build !race

package transfer

const gibi = 1 << 30
