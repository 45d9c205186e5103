// Connections that come for one message and go.
#include "load.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

struct visit {
	int fd;
	size_t from, got; // bytes: the message's place in the pool, answered so far
	uint64_t began;
};

static unsigned char buffer[64 << 10];
static int epoll;
static unsigned visits, open_now;

static void come(const struct options *o, struct visit *v)
{
	v->began = now();
	v->from = visits % POOL * o->size;
	v->got = 0;
	v->fd = connect_from(o, visits++);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = v};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, v->fd, &e) < 0)
		die("epoll_ctl");
	if (send(v->fd, pool_in + v->from, o->size, MSG_NOSIGNAL) != (ssize_t)o->size)
		closed("send");
	open_now++;
}

// done takes what arrived and says whether the answer is whole; then the
// client closes first, as clients do.
static int done(const struct options *o, struct visit *v)
{
	ssize_t n = recv(v->fd, buffer, sizeof buffer, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		closed("recv");
	if (n > (ssize_t)(o->size - v->got))
		wrong("more bytes than asked for", buffer, NULL, n);
	if (memcmp(buffer, pool_out + v->from + v->got, n))
		wrong("answer", buffer, pool_out + v->from + v->got, n);
	v->got += n;
	if (v->got < o->size)
		return 0;
	close(v->fd);
	open_now--;
	latency_add(now() - v->began);
	return 1;
}

struct result churn_run(const struct options *o, uint64_t time)
{
	struct visit slots[o->conns];
	latency_reset();
	visits = open_now = 0;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	struct result r = {0};
	uint64_t start = now(), t = start;
	for (int i = 0; i < o->conns; i++)
		come(o, &slots[i]);
	while (open_now && t - start < time + GRACE) {
		struct epoll_event ready[64];
		int n = epoll_wait(epoll, ready, 64, 100);
		for (int i = 0; i < n; i++) {
			if (!done(o, ready[i].data.ptr))
				continue;
			r.requests++;
			r.elapsed = now() - start;
			if (t - start < time)
				come(o, ready[i].data.ptr);
		}
		t = now();
	}
	r.lost = open_now;
	close(epoll);
	return r;
}
