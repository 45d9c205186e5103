// epoll is the least a server can do per message: one thread, level-triggered
// epoll, one recv and one send. It answers in upper case (ASCII) and stands in
// the tables as the limit that others are measured against.
//
//	epoll tcp|udp      listens on a free port of 127.0.0.1 and prints it
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upper.h"

enum { BUFFER = 64 << 10, EVENTS = 256 };

// What a peer that reads slowly has not taken yet. While there is any, the
// connection waits for EPOLLOUT and reads nothing: memory stays bounded.
struct conn {
	int fd;
	unsigned char *rest;
	size_t from, to;
};

static unsigned char buffer[BUFFER];
static struct conn listener;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int epoll, int op, struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};
	if (epoll_ctl(epoll, op, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void finish(struct conn *c)
{
	close(c->fd);
	free(c->rest);
	free(c);
}

static void welcome(int epoll)
{
	for (;;) {
		int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return; // nobody left; anything else shows up as a missing answer
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct conn *c = calloc(1, sizeof *c);
		if (!c)
			die("calloc");
		c->fd = fd;
		watch(epoll, EPOLL_CTL_ADD, c, EPOLLIN);
	}
}

// keep stores what the socket did not take and waits for room.
static void keep(int epoll, struct conn *c, const unsigned char *p, size_t n)
{
	c->rest = malloc(n);
	if (!c->rest)
		die("malloc");
	memcpy(c->rest, p, n);
	c->from = 0, c->to = n;
	watch(epoll, EPOLL_CTL_MOD, c, EPOLLOUT);
}

static void answer(int epoll, struct conn *c)
{
	ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		finish(c);
		return;
	}
	upper(buffer, n);
	ssize_t sent = send(c->fd, buffer, n, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		finish(c);
	else if (sent < n)
		keep(epoll, c, buffer + (sent < 0 ? 0 : sent), n - (sent < 0 ? 0 : sent));
}

static void resume(int epoll, struct conn *c)
{
	ssize_t sent = send(c->fd, c->rest + c->from, c->to - c->from, MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno != EAGAIN)
			finish(c);
		return;
	}
	c->from += sent;
	if (c->from < c->to)
		return;
	free(c->rest);
	c->rest = NULL;
	watch(epoll, EPOLL_CTL_MOD, c, EPOLLIN);
}

static void serve_streams(void)
{
	if (listen(listener.fd, 4096) < 0)
		die("listen");
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll_create1");
	watch(epoll, EPOLL_CTL_ADD, &listener, EPOLLIN);
	for (;;) {
		struct epoll_event ready[EVENTS];
		int n = epoll_wait(epoll, ready, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = ready[i].data.ptr;
			if (c == &listener)
				welcome(epoll);
			else if (c->rest)
				resume(epoll, c);
			else
				answer(epoll, c);
		}
	}
}

static void serve_datagrams(void)
{
	for (;;) {
		struct sockaddr_in peer;
		socklen_t len = sizeof peer;
		ssize_t n = recvfrom(listener.fd, buffer, sizeof buffer, 0, (struct sockaddr *)&peer, &len);
		if (n < 0)
			continue;
		upper(buffer, n);
		sendto(listener.fd, buffer, n, 0, (struct sockaddr *)&peer, len);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2 || (strcmp(argv[1], "tcp") && strcmp(argv[1], "udp"))) {
		fprintf(stderr, "usage: epoll tcp|udp\n");
		return 2;
	}
	int tcp = argv[1][0] == 't';
	int type = tcp ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	listener.fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (listener.fd < 0 || bind(listener.fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    getsockname(listener.fd, (struct sockaddr *)&a, &len) < 0)
		die("bind");
	printf("listening %s://127.0.0.1:%d\n", argv[1], ntohs(a.sin_port));
	fflush(stdout);
	if (tcp)
		serve_streams();
	else
		serve_datagrams();
}
