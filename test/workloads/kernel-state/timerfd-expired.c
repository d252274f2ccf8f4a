/* A periodic timer descriptor that has fired and not been read when it is moved: it goes on firing. */
#include "check.h"
#include <poll.h>
#include <sys/timerfd.h>

int main(void) {
  int timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  struct itimerspec every = {.it_interval = {.tv_nsec = 50000000}, .it_value = {.tv_nsec = 50000000}};
  must(timerfd_settime(timer, 0, &every, NULL));
  usleep(100000);
  hold();
  uint64_t count;
  for (int i = 0; i < 3; i++) {
    struct pollfd readable = {.fd = timer, .events = POLLIN};
    check(poll(&readable, 1, 2000) == 1);
    check(read(timer, &count, sizeof count) == sizeof count && count >= 1);
  }
  return pass();
}
