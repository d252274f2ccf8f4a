/* What a process does with signals: handlers with flags and masks, ignored ones, an alternate stack; and signalfd. */
#include "check.h"
#include <sys/signalfd.h>

static char stack[65536];
static volatile bool on_stack;
static void handler(int signal, siginfo_t *info, void *context) {
  char here;
  (void)signal, (void)info, (void)context;
  on_stack = &here >= stack && &here < stack + sizeof stack;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER}, now;
  sigaddset(&action.sa_mask, SIGHUP);
  must(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL));
  must(sigaction(SIGUSR1, &action, NULL));
  signal(SIGWINCH, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  must(sigprocmask(SIG_BLOCK, &signals, NULL));
  int fd = must(signalfd(-1, &signals, SFD_NONBLOCK));
  must(raise(SIGUSR2));
  hold();
  must(sigaction(SIGUSR1, NULL, &now));
  check(now.sa_sigaction == handler && (now.sa_flags & SA_NODEFER) != 0 && sigismember(&now.sa_mask, SIGHUP) == 1);
  must(raise(SIGUSR1));
  check(on_stack);
  must(sigaction(SIGWINCH, NULL, &now));
  check(now.sa_handler == SIG_IGN);
  struct signalfd_siginfo info;
  check(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR2);
  return pass();
}
