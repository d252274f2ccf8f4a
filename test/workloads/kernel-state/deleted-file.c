/* A file of 200 MB that is open and has no name any more: its content travels with the memory. */
#include "check.h"

enum { block = 1 << 20, blocks = 200 };
static unsigned char buffer[block];

int main(void) {
  int fd = must(open("/tmp/deleted-file", O_RDWR | O_CREAT | O_EXCL, 0640));
  for (unsigned i = 0; i < blocks; i++) {
    fill(buffer, block, i);
    check(write_whole(fd, buffer, block));
  }
  must(unlink("/tmp/deleted-file"));
  must(lseek(fd, 12345, SEEK_SET));
  hold();
  struct stat status;
  must(fstat(fd, &status));
  check(status.st_nlink == 0 && status.st_size == (off_t)block * blocks && (status.st_mode & 0777) == 0640);
  check(lseek(fd, 0, SEEK_CUR) == 12345);
  must(lseek(fd, 0, SEEK_SET));
  for (unsigned i = 0; i < blocks; i++) {
    check(read_whole(fd, buffer, block));
    check(filled(buffer, block, i));
  }
  check(access("/tmp/deleted-file", F_OK) == -1);
  return pass();
}
