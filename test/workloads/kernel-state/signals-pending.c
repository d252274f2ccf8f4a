/* Signals that are blocked and wait: queued ones in their order with their values, one for the process, one for a thread. */
#include "check.h"

int main(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMIN + 1);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGUSR2);
  must(sigprocmask(SIG_BLOCK, &signals, NULL));
  for (int i = 1; i <= 3; i++) must(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i * 11}));
  must(kill(getpid(), SIGUSR1));
  must((int)syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2));
  hold();
  struct timespec limit = {.tv_sec = 2};
  sigset_t blocked;
  must(sigprocmask(SIG_SETMASK, NULL, &blocked));
  check(sigismember(&blocked, SIGUSR2) == 1 && sigismember(&blocked, SIGTERM) == 0);
  siginfo_t info;
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGRTMIN + 1);
  for (int i = 1; i <= 3; i++) {
    check(sigtimedwait(&one, &info, &limit) == SIGRTMIN + 1);
    check(info.si_value.sival_int == i * 11 && info.si_code == SI_QUEUE && info.si_pid == getpid());
  }
  sigdelset(&signals, SIGRTMIN + 1);
  int first = must(sigtimedwait(&signals, &info, &limit)), second = must(sigtimedwait(&signals, &info, &limit));
  check(first + second == SIGUSR1 + SIGUSR2 && first != second);
  return pass();
}
