// Datagrams from one socket, depth in flight. Each place in flight is a letter
// in the datagram, beside a number that tells a late answer from the one that
// is waited for.
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DIGITS = 8, HEAD = 1 + DIGITS, LARGEST = 64 << 10 };

struct slot {
	uint32_t number;
	int waiting;
	uint64_t sent;
	unsigned char *message, *answer;
};

static struct slot slots[MAX_DEPTH];
static int sock;
static unsigned char *inbox[MAX_DEPTH];

void datagram_prepare(const struct options *o)
{
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (const struct sockaddr *)&o->server, sizeof o->server) < 0)
		die("connect");
	if (o->size < HEAD + 1 || o->size > LARGEST)
		die("size of a datagram");
	for (int i = 0; i < MAX_DEPTH; i++) {
		slots[i].message = malloc(o->size), slots[i].answer = malloc(o->size);
		inbox[i] = malloc(LARGEST);
		memcpy(slots[i].message, pool_in + i * o->size, o->size);
		memcpy(slots[i].answer, pool_out + i * o->size, o->size);
		slots[i].message[0] = 'a' + i, slots[i].answer[0] = 'A' + i;
	}
	datagram_run(o, o->warm);
}

static void number(struct slot *s)
{
	s->number++;
	for (int i = 0; i < DIGITS; i++) {
		int nibble = s->number >> 4 * i & 15;
		s->message[1 + i] = 'a' + nibble, s->answer[1 + i] = 'A' + nibble;
	}
}

// ask sends the n slots' next datagrams with one call.
static void ask(const struct options *o, struct slot **list, int n)
{
	struct mmsghdr m[MAX_DEPTH] = {0};
	struct iovec v[MAX_DEPTH];
	uint64_t t = now();
	for (int i = 0; i < n; i++) {
		number(list[i]);
		list[i]->sent = t, list[i]->waiting = 1;
		v[i] = (struct iovec){list[i]->message, o->size};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	for (int sent = 0; sent < n;) {
		int k = sendmmsg(sock, m + sent, n - sent, 0);
		if (k < 0 && errno != EINTR)
			closed("sendmmsg");
		sent += k > 0 ? k : 0;
	}
}

// claim returns the slot that this datagram answers, or NULL if it is late.
static struct slot *claim(const struct options *o, const unsigned char *p, size_t n, struct result *r)
{
	int i = n ? p[0] - 'A' : -1;
	if (n != o->size || i < 0 || i >= o->depth)
		wrong("datagram", p, NULL, n);
	struct slot *s = &slots[i];
	if (memcmp(p + HEAD, s->answer + HEAD, n - HEAD))
		wrong("datagram", p, s->answer, n);
	for (int d = 1; d < HEAD; d++)
		if (p[d] < 'A' || p[d] > 'A' + 15)
			wrong("datagram's number", p, s->answer, HEAD);
	if (!s->waiting || memcmp(p, s->answer, HEAD)) {
		r->late++;
		return NULL;
	}
	s->waiting = 0;
	return s;
}

static int collect(const struct options *o, struct slot **list, struct result *r)
{
	struct mmsghdr m[MAX_DEPTH] = {0};
	struct iovec v[MAX_DEPTH];
	for (int i = 0; i < MAX_DEPTH; i++) {
		v[i] = (struct iovec){inbox[i], LARGEST};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	int n = recvmmsg(sock, m, MAX_DEPTH, MSG_DONTWAIT, NULL), ready = 0;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		closed("recvmmsg");
	uint64_t t = now();
	for (int i = 0; i < n; i++) {
		struct slot *s = claim(o, inbox[i], m[i].msg_len, r);
		if (!s)
			continue;
		latency_add(t - s->sent);
		r->requests++;
		list[ready++] = s;
	}
	return ready;
}

static int give_up(const struct options *o, struct slot **list, struct result *r, int ready)
{
	uint64_t t = now();
	for (int i = 0; i < o->depth; i++)
		if (slots[i].waiting && t - slots[i].sent > PATIENCE) {
			slots[i].waiting = 0;
			r->lost++;
			list[ready++] = &slots[i];
		}
	return ready;
}

struct result datagram_run(const struct options *o, uint64_t time)
{
	struct result r = {0};
	struct slot *list[MAX_DEPTH];
	latency_reset();
	for (int i = 0; i < o->depth; i++)
		list[i] = &slots[i];
	uint64_t start = now();
	ask(o, list, o->depth);
	for (int waiting = o->depth; waiting > 0;) {
		struct pollfd p = {.fd = sock, .events = POLLIN};
		int quiet = poll(&p, 1, PATIENCE / 1000000) == 0;
		int ready = quiet ? 0 : collect(o, list, &r);
		if (ready)
			r.elapsed = now() - start;
		if (quiet)
			ready = give_up(o, list, &r, ready);
		if (now() - start < time)
			ask(o, list, ready);
		else
			waiting -= ready;
	}
	return r;
}
