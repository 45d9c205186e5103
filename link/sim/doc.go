// Package sim is links that exist only in memory: cables, a hub and a switch, as good
// or as bad as they are asked to be, and the same from the same seed.
package sim
