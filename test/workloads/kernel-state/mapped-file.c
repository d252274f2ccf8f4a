/* Files in memory: a shared mapping with changes not written back, a private one with changes of its own; pages shared after fork. */
#include "check.h"

enum { size = 4 << 20 };

int main(void) {
  int fd = must(open("/tmp/mapped-file", O_RDWR | O_CREAT | O_EXCL, 0600));
  unsigned char *buffer = malloc(size);
  fill(buffer, size, 13);
  check(write_whole(fd, buffer, size));
  unsigned char *shared = must(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  unsigned char *private = must(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  memset(shared + 4096, 1, 4096);
  memset(private + 8192, 2, 4096);
  pid_t child;
  int ask[2], told[2];
  must(pipe(ask));
  must(pipe(told));
  if (fork_child(&child)) {
    buffer[0] = 200;
    char byte;
    must(read(ask[0], &byte, 1));
    bool as_was = buffer[0] == 200 && private[8192] == 2 && shared[4096] == 1;
    must(write(told[1], as_was ? "y" : "n", 1));
    _exit(0);
  }
  hold();
  check(filled(buffer, size, 13));
  check(shared[4096] == 1 && private[4096] == 1 && private[8192] == 2 && shared[8192] == buffer[8192]);
  char answer, byte;
  must(write(ask[1], "?", 1));
  check(read(told[0], &answer, 1) == 1 && answer == 'y');
  check(pread(fd, &byte, 1, 4096) == 1 && byte == 1);
  check(pread(fd, &byte, 1, 8192) == 1 && (unsigned char)byte == buffer[8192]);
  return pass();
}
