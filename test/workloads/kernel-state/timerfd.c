/* Timer descriptors: a periodic one that a child reads goes on, a long one keeps what is left of its time, one that has fired is still readable. */
#include "check.h"
#include <sys/timerfd.h>

int main(void) {
  int periodic = must(timerfd_create(CLOCK_MONOTONIC, 0)), distant = must(timerfd_create(CLOCK_REALTIME, 0)),
      fired = must(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK));
  struct itimerspec every = {.it_interval = {.tv_nsec = 50000000}, .it_value = {.tv_nsec = 50000000}};
  struct itimerspec hour = {.it_value = {.tv_sec = 3600}}, soon = {.it_value = {.tv_nsec = 1000000}}, left;
  must(timerfd_settime(periodic, 0, &every, NULL));
  must(timerfd_settime(distant, 0, &hour, NULL));
  must(timerfd_settime(fired, 0, &soon, NULL));
  usleep(20000);
  int ticks[2];
  must(pipe2(ticks, O_NONBLOCK));
  pid_t reader;
  if (fork_child(&reader))
    for (uint64_t count;;) {
      check(read(periodic, &count, sizeof count) == sizeof count);
      if (write(ticks[1], "t", 1) == -1) check(errno == EAGAIN);
    }
  hold();
  char tick[4096];
  while (read(ticks[0], tick, sizeof tick) > 0);
  usleep(300000);
  check(read(ticks[0], tick, sizeof tick) >= 2);
  uint64_t count;
  must(timerfd_gettime(periodic, &left));
  check(left.it_interval.tv_nsec == 50000000);
  must(timerfd_gettime(distant, &left));
  check(left.it_value.tv_sec > 3000 && left.it_value.tv_sec < 3600);
  check(read(fired, &count, sizeof count) == sizeof count && count == 1);
  return pass();
}
