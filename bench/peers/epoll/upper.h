// upper: the ASCII letters of n bytes at p, in place, eight at a time.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static void upper(unsigned char *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101u, low7 = 0x7f * ones;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		uint64_t w;
		memcpy(&w, p + i, 8);
		uint64_t low = w & low7;
		// The top bit of each byte says whether its low seven bits reach
		// 'a', and whether they pass 'z'; no sum carries into its neighbour.
		uint64_t from_a = low + (0x80 - 'a') * ones;
		uint64_t past_z = low + (0x7f - 'z') * ones;
		uint64_t letter = from_a & ~past_z & ~w & ~low7;
		w ^= letter >> 2; // 0x80 becomes 0x20, the bit between the cases
		memcpy(p + i, &w, 8);
	}
	for (; i < n; i++)
		if (p[i] >= 'a' && p[i] <= 'z')
			p[i] ^= 0x20;
}
