// load stream|churn|datagram PORT CONNS SIZE DEPTH WARM_MS TIME_MS
//
// connects to 127.0.0.1:PORT and warms up, prints "ready" and waits for a line;
// measures for TIME_MS and prints one line of NAME=VALUE, times in microseconds;
// then holds its connections until standard input ends. So the caller reads the
// server's CPU time and memory at rest, around exactly what was measured.
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void show(const char *name, const unsigned char *p, size_t n)
{
	fprintf(stderr, "load: %s:", name);
	for (size_t i = 0; i < n && i < 48; i++)
		fprintf(stderr, " %02x", p[i]);
	fprintf(stderr, "\n");
}

void wrong(const char *what, const unsigned char *got, const unsigned char *want, size_t n)
{
	size_t same = 0;
	while (want && same < n && got[same] == want[same])
		same++;
	fprintf(stderr, "load: wrong bytes: %s, %zu bytes, the first %zu as they should be\n", what, n, same);
	show("got ", got + same, n - same);
	if (want)
		show("want", want + same, n - same);
	exit(WRONG_BYTES);
}

void closed(const char *what)
{
	fprintf(stderr, "load: the server let go: %s: %s\n", what, strerror(errno));
	exit(CLOSED_EARLY);
}

int connect_from(const struct options *o, unsigned who)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		die("socket");
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK + who % 250)};
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
		die("bind");
	if (connect(fd, (const struct sockaddr *)&o->server, sizeof o->server) < 0)
		closed("connect");
	return fd;
}

static double own_cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void wait_for_line(void)
{
	fflush(stdout);
	int c;
	while ((c = getchar()) != EOF && c != '\n')
		;
}

int main(int argc, char **argv)
{
	if (argc != 8) {
		fprintf(stderr, "usage: load stream|churn|datagram PORT CONNS SIZE DEPTH WARM_MS TIME_MS\n");
		return 2;
	}
	char kind = argv[1][0];
	struct options o = {
		.server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])),
			   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.conns = atoi(argv[3]), .size = atol(argv[4]), .depth = atoi(argv[5]),
		.warm = atoll(argv[6]) * 1000000, .time = atoll(argv[7]) * 1000000};
	if (!strchr("scd", kind) || o.conns < 1 || o.size < 2 || o.depth < 1 || o.depth > MAX_DEPTH) {
		fprintf(stderr, "load: depth is 1 to %d, size 2 or more, connections 1 or more\n", MAX_DEPTH);
		return 2;
	}
	pool_fill(o.size);
	if (kind == 's')
		stream_prepare(&o);
	else if (kind == 'd')
		datagram_prepare(&o);
	else
		churn_run(&o, o.warm);
	puts("ready");
	wait_for_line();
	double cpu = own_cpu();
	struct result r = kind == 's' ? stream_run(&o, o.time)
			: kind == 'd' ? datagram_run(&o, o.time) : churn_run(&o, o.time);
	printf("requests=%llu seconds=%.6f p50=%.1f p99=%.1f max=%.1f lost=%llu late=%llu cpu=%.6f\n",
	       (unsigned long long)r.requests, r.elapsed / 1e9, latency_us(.5), latency_us(.99), latency_us(1),
	       (unsigned long long)r.lost, (unsigned long long)r.late, own_cpu() - cpu);
	wait_for_line();
}
