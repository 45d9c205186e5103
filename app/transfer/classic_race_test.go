//go:build race

package transfer

// gibi is an eighth of a GiB here: the race detector looks at every byte.
const gibi = 128 << 20
