/* 100 processes: some lead sessions or groups of their own, some have lost their parent, each has an id and a memory of its own. */
#include "check.h"

enum { count = 100 };

static void live(int number, int ask, int told) {
  if (number % 5 == 0) must(setsid());
  else if (number % 5 == 1) must(setpgid(0, 0));
  pid_t self = getpid(), group = getpgid(0), session = getsid(0), parent = getppid();
  int own = number * 3;
  char byte;
  must(write(told, "r", 1));
  if (read(ask, &byte, 1) != 1) _exit(1);
  bool as_was = own == number * 3 && self == getpid() && group == getpgid(0) && session == getsid(0) && parent == getppid();
  must(write(told, as_was ? "y" : "n", 1));
  _exit(0);
}

int main(void) {
  int ask[2], told[2];
  must(pipe(ask));
  must(pipe(told));
  for (int i = 0; i < count; i++) {
    pid_t child;
    if (!fork_child(&child)) continue;
    if (i % 7 == 0) {
      int done[2];
      must(pipe(done)); // the parent leaves first: the grandchild belongs to the first process of the server
      if (must(fork()) != 0) _exit(0);
      while (getppid() != 1) usleep(1000);
    }
    close(ask[1]);
    live(i, ask[0], told[1]);
  }
  char answer;
  for (int i = 0; i < count; i++) check(read(told[0], &answer, 1) == 1 && answer == 'r');
  hold();
  for (int i = 0; i < count; i++) must(write(ask[1], "?", 1));
  for (int i = 0; i < count; i++) {
    must(read(told[0], &answer, 1));
    if (answer != 'y') fail("a process is not as it was");
  }
  return pass();
}
