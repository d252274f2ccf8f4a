/* A working directory that has been removed, and an open descriptor of another. */
#include "check.h"

int main(void) {
  must(mkdir("/tmp/gone", 0700));
  must(mkdir("/tmp/gone-too", 0710));
  must(chdir("/tmp/gone"));
  int fd = must(open("/tmp/gone-too", O_RDONLY | O_DIRECTORY));
  must(rmdir("/tmp/gone"));
  must(rmdir("/tmp/gone-too"));
  hold();
  char path[PATH_MAX];
  check(getcwd(path, sizeof path) == NULL && errno == ENOENT);
  struct stat status;
  must(fstat(fd, &status));
  check(S_ISDIR(status.st_mode) && status.st_nlink == 0 && (status.st_mode & 0777) == 0710);
  check(access("/tmp/gone", F_OK) == -1 && access("/tmp/gone-too", F_OK) == -1);
  return pass();
}
