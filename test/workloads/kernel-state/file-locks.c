/* Locks on files: flock, a record lock and an open-file-description lock, each held by a child against its parent. */
#include "check.h"
#include <sys/file.h>

static const char *const names[] = {"/tmp/lock-flock", "/tmp/lock-record", "/tmp/lock-description"};

static bool take(int kind, int fd) {
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 50};
  if (kind == 0) return flock(fd, LOCK_EX | LOCK_NB) == 0;
  return fcntl(fd, kind == 1 ? F_SETLK : F_OFD_SETLK, &range) == 0;
}

int main(void) {
  int taken[2], release[2];
  must(pipe(taken));
  must(pipe(release));
  pid_t child;
  char byte;
  if (fork_child(&child)) {
    for (int kind = 0; kind < 3; kind++) check(take(kind, must(open(names[kind], O_RDWR | O_CREAT, 0600))));
    must(write(taken[1], "t", 1));
    must(read(release[0], &byte, 1));
    _exit(0);
  }
  must(read(taken[0], &byte, 1));
  int fds[3];
  for (int kind = 0; kind < 3; kind++) {
    fds[kind] = must(open(names[kind], O_RDWR));
    check(!take(kind, fds[kind]));
  }
  hold();
  for (int kind = 0; kind < 3; kind++)
    if (take(kind, fds[kind])) fail("the lock of %s is lost", names[kind]);
  struct flock asked = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  must(fcntl(fds[1], F_GETLK, &asked));
  check(asked.l_type == F_WRLCK && asked.l_start == 100 && asked.l_len == 50 && asked.l_pid == child);
  must(write(release[1], "r", 1));
  must(waitpid(child, NULL, 0));
  for (int kind = 0; kind < 3; kind++) check(take(kind, fds[kind]));
  return pass();
}
