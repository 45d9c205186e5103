// load offers messages to an upper-case server and checks every byte that comes
// back. It is C on epoll so that one CPU of it keeps up with any server on
// another. main.c holds the conversation with the program that started it.
#pragma once
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Exit codes that the caller tells apart; 1 and 2 are failure and usage.
enum { WRONG_BYTES = 3, CLOSED_EARLY = 4 };

struct options {
	struct sockaddr_in server;
	int conns;   // connections, or for churn how many are open at a time
	size_t size; // bytes of a message
	int depth;   // messages in flight on a connection or socket, 1 to MAX_DEPTH
	uint64_t warm, time; // nanoseconds
};

enum { MAX_DEPTH = 16 };

// What a phase did. A message that was sent and not answered within GRACE is
// lost; for datagrams, within PATIENCE.
struct result {
	uint64_t requests, lost, late;
	uint64_t elapsed; // nanoseconds until the last answer
};

#define SECOND 1000000000ull
#define GRACE (5 * SECOND)
#define PATIENCE (SECOND / 10)

// pool.c: POOL different messages in a row, lined up with their answers. A
// connection walks round them; as POOL is prime and above MAX_DEPTH, an answer
// lost, doubled or swapped shows as wrong bytes.
enum { POOL = 17 };
extern unsigned char *pool_in, *pool_out; // POOL + MAX_DEPTH messages each
void pool_fill(size_t size);

// clock.c: time and the latency histogram, exact to 3 %.
uint64_t now(void);
void latency_reset(void);
void latency_add(uint64_t nanoseconds);
double latency_us(double quantile); // 1 is the maximum

// The three kinds of load. prepare connects and warms up, run measures.
void stream_prepare(const struct options *);
struct result stream_run(const struct options *, uint64_t time);
struct result churn_run(const struct options *, uint64_t time);
void datagram_prepare(const struct options *);
struct result datagram_run(const struct options *, uint64_t time);

// connect_from connects a stream from the source address 127.0.0.(1 + who%250):
// ports run out per address, not per machine.
int connect_from(const struct options *, unsigned who);

_Noreturn void die(const char *what);
_Noreturn void wrong(const char *what, const unsigned char *got, const unsigned char *want, size_t n);
_Noreturn void closed(const char *what);
