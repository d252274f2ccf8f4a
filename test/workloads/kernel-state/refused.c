/* What could not be moved is not given to a server: io_uring, namespaces of its own, mounts, userfaultfd. */
#include "check.h"
#include <sys/mount.h>

int main(void) {
  char parameters[256] = "";
  check(syscall(SYS_io_uring_setup, 8, parameters) == -1 && errno == ENOSYS);
  check(unshare(CLONE_NEWUTS) == -1 && errno == EPERM);
  check(unshare(CLONE_NEWUSER) == -1 && errno == EPERM);
  check(unshare(CLONE_NEWPID) == -1 && errno == EPERM);
  check(mount("none", "/tmp", "tmpfs", 0, NULL) == -1 && errno == EPERM);
  check(syscall(SYS_userfaultfd, 0) == -1 && errno == EPERM);
  check(syscall(SYS_perf_event_open, parameters, 0, -1, -1, 0) == -1 && errno == EPERM);
  hold();
  check(unshare(CLONE_NEWUTS) == -1 && errno == EPERM);
  check(syscall(SYS_io_uring_setup, 8, parameters) == -1 && errno == ENOSYS);
  return pass();
}
