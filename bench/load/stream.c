// Many connections that stay, each with up to depth messages in flight: as an
// answer completes, the next message leaves.
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, EVENTS = 256, OPENING = 8 };

struct conn {
	int fd;
	uint32_t sent, answered; // messages
	size_t tx, rx;           // bytes into the pool: next to write, next to come
	size_t to_write;         // bytes of messages that count as sent already
	uint64_t stamp[MAX_DEPTH];
};

static struct conn *conns;
static int opened, epoll;
static unsigned char buffer[BUFFER];
static size_t size, round_trip; // bytes of a message, of the pool's one round
static int flowing;             // whether an answer calls for the next message
static uint64_t outstanding, answers;

static void watch(int op, struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};
	if (epoll_ctl(epoll, op, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void flush(struct conn *c, int was_blocked)
{
	ssize_t n = send(c->fd, pool_in + c->tx, c->to_write, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN)
			closed("send");
		n = 0;
	}
	c->tx = (c->tx + n) % round_trip;
	c->to_write -= n;
	if (!!c->to_write != was_blocked)
		watch(EPOLL_CTL_MOD, c, c->to_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void ask(struct conn *c, int messages)
{
	uint64_t t = now();
	int was_blocked = c->to_write > 0;
	for (int i = 0; i < messages; i++)
		c->stamp[c->sent++ % MAX_DEPTH] = t;
	c->to_write += messages * size;
	outstanding += messages;
	flush(c, was_blocked);
}

static void listen_to(struct conn *c)
{
	ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		closed("recv");
	size_t due = (c->sent - c->answered) * size - c->rx % size;
	if ((size_t)n > due)
		wrong("more bytes than asked for", buffer + due, NULL, n - due);
	if (memcmp(buffer, pool_out + c->rx, n))
		wrong("answer", buffer, pool_out + c->rx, n);
	int messages = (c->rx % size + n) / size;
	c->rx = (c->rx + n) % round_trip;
	uint64_t t = now();
	for (int i = 0; i < messages; i++)
		latency_add(t - c->stamp[c->answered++ % MAX_DEPTH]);
	answers += messages;
	outstanding -= messages;
	if (flowing && messages > 0)
		ask(c, messages);
}

static void turn(int timeout_ms)
{
	struct epoll_event ready[EVENTS];
	int n = epoll_wait(epoll, ready, EVENTS, timeout_ms);
	for (int i = 0; i < n; i++) {
		struct conn *c = ready[i].data.ptr;
		if (ready[i].events & EPOLLOUT)
			flush(c, 1);
		if (ready[i].events & ~EPOLLOUT)
			listen_to(c);
	}
}

static void open_next(const struct options *o)
{
	struct conn *c = &conns[opened];
	c->fd = connect_from(o, opened);
	c->tx = c->rx = opened % POOL * size; // neighbours say different things
	watch(EPOLL_CTL_ADD, c, EPOLLIN);
	opened++;
	ask(c, 1);
}

// stream_prepare opens the connections, a few at a time as some servers accept
// slowly, and has each answered once; then it warms up.
void stream_prepare(const struct options *o)
{
	size = o->size, round_trip = POOL * size;
	conns = calloc(o->conns, sizeof *conns);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!conns || epoll < 0)
		die("preparing");
	uint64_t progress = now(), before = 0;
	while (opened < o->conns || outstanding) {
		while (opened < o->conns && outstanding < OPENING)
			open_next(o);
		turn(100);
		if (answers > before)
			progress = now(), before = answers;
		else if (now() - progress > GRACE)
			closed("a connection was never answered");
	}
	if (o->warm)
		stream_run(o, o->warm);
}

// stream_run keeps depth messages in flight for time and collects what is
// still out. Time 0 asks one message of every connection.
struct result stream_run(const struct options *o, uint64_t time)
{
	latency_reset();
	answers = 0;
	uint64_t start = now(), last = start;
	flowing = time > 0;
	for (int i = 0; i < opened; i++)
		ask(&conns[i], time > 0 ? o->depth : 1);
	while (outstanding && now() - start < time + GRACE) {
		uint64_t before = answers;
		turn(10);
		uint64_t t = now();
		if (answers > before)
			last = t;
		flowing = t - start < time;
	}
	flowing = 0;
	return (struct result){.requests = answers, .lost = outstanding, .elapsed = last - start};
}
