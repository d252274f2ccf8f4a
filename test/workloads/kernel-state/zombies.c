/* Children that have ended, by exit codes and by a signal, and that nobody has waited for. */
#include "check.h"

enum { count = 10 };

int main(void) {
  pid_t children[count];
  for (int i = 0; i < count; i++) {
    children[i] = must(fork());
    if (children[i] == 0) {
      if (i == 0) raise(SIGKILL);
      _exit(i);
    }
  }
  siginfo_t info;
  for (int i = 0; i < count; i++) must(waitid(P_PID, (id_t)children[i], &info, WEXITED | WNOWAIT));
  hold();
  for (int i = 0; i < count; i++) {
    int status;
    check(waitpid(children[i], &status, WNOHANG) == children[i]);
    if (i == 0) check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    else check(WIFEXITED(status) && WEXITSTATUS(status) == i);
  }
  return pass();
}
