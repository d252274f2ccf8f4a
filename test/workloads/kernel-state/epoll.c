/* epoll: what it watches, with data and flags of each; readiness from before the move is reported after it; one inside another. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void) {
  int ends[2], quiet = must(eventfd(0, 0)), closed[2];
  must(pipe(ends));
  must(pipe(closed));
  int outer = must(epoll_create1(EPOLL_CLOEXEC)), inner = must(epoll_create1(0));
  struct epoll_event pipe_event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0xabcdef0123456789};
  struct epoll_event once = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 42};
  struct epoll_event nested = {.events = EPOLLIN, .data.u64 = 43}, hangup = {.events = EPOLLIN, .data.u64 = 44};
  must(epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &pipe_event));
  must(epoll_ctl(outer, EPOLL_CTL_ADD, quiet, &once));
  must(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &nested));
  must(epoll_ctl(outer, EPOLL_CTL_ADD, closed[0], &hangup));
  must(write(ends[1], "x", 1));
  hold();
  struct epoll_event events[8];
  check(epoll_wait(outer, events, 8, 2000) == 1 && events[0].data.u64 == 43);
  check(epoll_wait(inner, events, 8, 2000) == 1 && events[0].data.u64 == 0xabcdef0123456789);
  check(epoll_wait(inner, events, 8, 0) == 0);
  must(write(quiet, &(uint64_t){1}, sizeof(uint64_t)));
  check(epoll_wait(outer, events, 8, 2000) == 1 && events[0].data.u64 == 42);
  check(epoll_wait(outer, events, 8, 0) == 0);
  must(close(closed[1]));
  check(epoll_wait(outer, events, 8, 2000) == 1 && events[0].data.u64 == 44 && (events[0].events & EPOLLHUP) != 0);
  return pass();
}
