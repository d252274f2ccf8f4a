/*
 * What every program of this folder shares. A program makes one kind of kernel state, calls hold(), and looks afterwards
 * whether the state is still there. It talks to its keeper: "ready" or "FAIL reason" on standard output, then, after a
 * byte on standard input, "PASS" or "FAIL reason".
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Ends the program with a reason. */
#define fail(...)                                                                                                      \
  do {                                                                                                                 \
    dprintf(1, "FAIL line %d: ", __LINE__);                                                                            \
    dprintf(1, __VA_ARGS__);                                                                                           \
    dprintf(1, "\n");                                                                                                  \
    _exit(1);                                                                                                          \
  } while (0)

/** The state is as it was. */
#define check(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) fail("not so: %s (%s)", #condition, strerror(errno));                                            \
  } while (0)

/** A call that has to work; gives its result. */
#define must(call)                                                                                                     \
  ({                                                                                                                   \
    __auto_type result = (call);                                                                                       \
    if ((long)result == -1) fail("%s: %s", #call, strerror(errno));                                                    \
    result;                                                                                                            \
  })

/** Says that the state stands, and comes back when it is to be looked at: after the moves. */
static inline void hold(void) {
  char command;
  dprintf(1, "ready\n");
  while (read(0, &command, 1) == -1 && errno == EINTR);
}

/** The last step of a program; its children and what it made in the file system go with it. */
static inline int pass(void) {
  dprintf(1, "PASS\n");
  return 0;
}

/** A child that ends with its parent; true in the child. */
static inline bool fork_child(pid_t *child) {
  pid_t parent = getpid();
  *child = must(fork());
  if (*child != 0) return false;
  must(prctl(PR_SET_PDEATHSIG, SIGKILL));
  if (getppid() != parent) _exit(0);
  return true;
}

static inline void fill(unsigned char *buffer, size_t length, unsigned seed) {
  for (size_t i = 0; i < length; i++) buffer[i] = (unsigned char)((i * 31 + (i >> 8) * 7 + seed * 131) & 0xff);
}

static inline bool filled(const unsigned char *buffer, size_t length, unsigned seed) {
  for (size_t i = 0; i < length; i++)
    if (buffer[i] != (unsigned char)((i * 31 + (i >> 8) * 7 + seed * 131) & 0xff)) return false;
  return true;
}

/** Reads exactly that much. */
static inline bool read_whole(int fd, void *buffer, size_t length) {
  for (size_t have = 0; have < length;) {
    ssize_t got = read(fd, (char *)buffer + have, length - have);
    if (got == -1 && errno == EINTR) continue;
    if (got <= 0) return false;
    have += (size_t)got;
  }
  return true;
}

static inline bool write_whole(int fd, const void *buffer, size_t length) {
  for (size_t have = 0; have < length;) {
    ssize_t put = write(fd, (const char *)buffer + have, length - have);
    if (put == -1 && errno == EINTR) continue;
    if (put <= 0) return false;
    have += (size_t)put;
  }
  return true;
}
