#include "load.h"

#include <time.h>

uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

// Buckets: 32 per power of two. The first 32 hold their own value.
enum { STEPS = 32, STEP_BITS = 5, BUCKETS = 64 * STEPS };

static uint64_t counts[BUCKETS], total, longest;

void latency_reset(void)
{
	memset(counts, 0, sizeof counts);
	total = longest = 0;
}

void latency_add(uint64_t v)
{
	int shift = v < STEPS ? 0 : 63 - __builtin_clzll(v) - STEP_BITS;
	counts[shift * STEPS + (v >> shift)]++;
	total++;
	if (v > longest)
		longest = v;
}

double latency_us(double quantile)
{
	uint64_t seen = 0;
	if (quantile >= 1 || total == 0)
		return longest / 1e3;
	for (int i = 0; i < BUCKETS; i++) {
		seen += counts[i];
		if (seen > quantile * total) {
			// Above the first two rows the index holds the shift, and
			// the mantissa's leading one as a further row.
			int shift = i < 2 * STEPS ? 0 : i / STEPS - 1;
			return (double)((uint64_t)(i - shift * STEPS) << shift) / 1e3;
		}
	}
	return longest / 1e3;
}
