#include "load.h"

#include <ctype.h>

unsigned char *pool_in, *pool_out;

// A message is one line of letters, digits and a few signs.
void pool_fill(size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123 ,.`{@[";
	size_t n = (POOL + MAX_DEPTH) * size;
	pool_in = malloc(n), pool_out = malloc(n);
	if (!pool_in || !pool_out)
		die("malloc");
	uint32_t seed = 1;
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		int c = letters[(seed >> 16) % (sizeof letters - 1)];
		if (i % size == size - 1)
			c = '\n';
		if (i >= POOL * size) // round again
			c = pool_in[i - POOL * size];
		pool_in[i] = c, pool_out[i] = toupper(c);
	}
}
