/* POSIX timers: one that keeps sending a queued signal with its value, and one an hour away. */
#include "check.h"

int main(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMIN + 3);
  must(sigprocmask(SIG_BLOCK, &signals, NULL));
  struct sigevent event = {
      .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3, .sigev_value = {.sival_int = 4711}};
  timer_t periodic, distant;
  must(timer_create(CLOCK_MONOTONIC, &event, &periodic));
  event.sigev_notify = SIGEV_NONE;
  must(timer_create(CLOCK_REALTIME, &event, &distant));
  struct itimerspec every = {.it_interval = {.tv_nsec = 50000000}, .it_value = {.tv_nsec = 50000000}};
  struct itimerspec hour = {.it_value = {.tv_sec = 3600}}, left;
  must(timer_settime(periodic, 0, &every, NULL));
  must(timer_settime(distant, 0, &hour, NULL));
  hold();
  struct timespec limit = {.tv_sec = 5};
  for (int i = 0; i < 3; i++) {
    siginfo_t info;
    check(sigtimedwait(&signals, &info, &limit) == SIGRTMIN + 3);
    check(info.si_code == SI_TIMER && info.si_value.sival_int == 4711);
  }
  must(timer_gettime(distant, &left));
  check(left.it_value.tv_sec > 3000 && left.it_value.tv_sec < 3600);
  return pass();
}
