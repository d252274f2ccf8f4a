/* A pseudo-terminal with settings, size, a session of its own, and input and output that nobody has read. */
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
  int master = must(posix_openpt(O_RDWR | O_NOCTTY));
  must(grantpt(master));
  must(unlockpt(master));
  char name[64];
  check(ptsname_r(master, name, sizeof name) == 0);
  int ready[2], go[2];
  must(pipe(ready));
  must(pipe(go));
  pid_t shell;
  if (fork_child(&shell)) {
    must(close(master));
    must(setsid());
    int slave = must(open(name, O_RDWR));
    struct termios settings;
    must(tcgetattr(slave, &settings));
    cfmakeraw(&settings);
    settings.c_cc[VTIME] = 5;
    settings.c_cc[VMIN] = 1;
    must(tcsetattr(slave, TCSANOW, &settings));
    must(ioctl(slave, TIOCSWINSZ, &(struct winsize){.ws_row = 33, .ws_col = 111}));
    must(write(slave, "output", 6));
    must(write(ready[1], "r", 1));
    char text[16];
    must(read(go[0], text, 1));
    for (;;) {
      ssize_t got = read(slave, text, sizeof text);
      if (got <= 0) _exit(1);
      if (tcgetpgrp(slave) != getpid()) _exit(2);
      must(write(slave, text, (size_t)got));
    }
  }
  char byte, text[16];
  must(read(ready[0], &byte, 1));
  must(write(master, "input", 5));
  hold();
  struct winsize size;
  must(ioctl(master, TIOCGWINSZ, &size));
  check(size.ws_row == 33 && size.ws_col == 111);
  check(read_whole(master, text, 6) && memcmp(text, "output", 6) == 0);
  must(write(go[1], "g", 1));
  check(read_whole(master, text, 5) && memcmp(text, "input", 5) == 0);
  struct termios settings;
  must(tcgetattr(master, &settings));
  check((settings.c_lflag & (ECHO | ICANON)) == 0 && settings.c_cc[VTIME] == 5);
  must(close(master));
  int status;
  must(waitpid(shell, &status, 0));
  check(WIFSIGNALED(status) ? WTERMSIG(status) == SIGHUP : WEXITSTATUS(status) == 1);
  return pass();
}
