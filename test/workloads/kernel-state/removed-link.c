/* An open file one of whose two names is removed: the one it was opened by. */
#include "check.h"

int main(void) {
  int fd = must(open("/tmp/removed-link", O_RDWR | O_CREAT | O_EXCL, 0600));
  must(write(fd, "content", 7));
  must(link("/tmp/removed-link", "/tmp/other-link"));
  must(unlink("/tmp/removed-link"));
  hold();
  char text[8];
  check(pread(fd, text, 7, 0) == 7 && memcmp(text, "content", 7) == 0);
  struct stat mine, other;
  must(fstat(fd, &mine));
  must(stat("/tmp/other-link", &other));
  check(mine.st_ino == other.st_ino && mine.st_nlink == 1);
  check(access("/tmp/removed-link", F_OK) == -1);
  return pass();
}
