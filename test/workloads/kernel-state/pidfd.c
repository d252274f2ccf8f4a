/* Descriptors of processes: of a child that lives, and of one that has ended. */
#include "check.h"
#include <poll.h>

int main(void) {
  pid_t living, ended = must(fork());
  if (ended == 0) _exit(3);
  if (fork_child(&living))
    for (;;) pause();
  int of_living = must((int)syscall(SYS_pidfd_open, living, 0)), of_ended = must((int)syscall(SYS_pidfd_open, ended, 0));
  hold();
  struct pollfd state[2] = {{.fd = of_living, .events = POLLIN}, {.fd = of_ended, .events = POLLIN}};
  check(poll(state, 2, 0) == 1 && state[1].revents != 0);
  must((int)syscall(SYS_pidfd_send_signal, of_living, SIGTERM, NULL, 0));
  check(poll(state, 1, 5000) == 1);
  int status;
  must(waitpid(living, &status, 0));
  check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  return pass();
}
