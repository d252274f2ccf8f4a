/* Clocks that count since the start never jump: not back, and not further than the pause; a sleep until a moment of them ends then. */
#include "check.h"

static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME};
enum { kinds = sizeof clocks / sizeof *clocks, most_seconds = 30, sleep_seconds = 2 };

static int64_t now(clockid_t clock) {
  struct timespec time;
  must(clock_gettime(clock, &time));
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(void) {
  int failed[2];
  must(pipe2(failed, O_NONBLOCK));
  pid_t watcher, sleeper;
  if (fork_child(&watcher)) {
    int64_t before[kinds];
    for (int i = 0; i < kinds; i++) before[i] = now(clocks[i]);
    for (;; usleep(2000))
      for (int i = 0; i < kinds; i++) {
        int64_t time = now(clocks[i]);
        if (time < before[i] || time > before[i] + most_seconds * 1000000000LL)
          dprintf(failed[1], "clock %d went from %ld to %ld ns", clocks[i], before[i], time);
        before[i] = time;
      }
  }
  if (fork_child(&sleeper))
    for (;;) {
      struct timespec until;
      must(clock_gettime(CLOCK_MONOTONIC, &until));
      until.tv_sec += sleep_seconds;
      int64_t end = until.tv_sec * 1000000000LL + until.tv_nsec;
      while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR);
      int64_t late = now(CLOCK_MONOTONIC) - end;
      if (late < 0 || late > most_seconds * 1000000000LL) dprintf(failed[1], "a sleep ended %ld ns late", late);
    }
  hold();
  usleep(sleep_seconds * 1500000);
  char reason[128] = "";
  if (read(failed[0], reason, sizeof reason - 1) > 0) fail("%s", reason);
  return pass();
}
