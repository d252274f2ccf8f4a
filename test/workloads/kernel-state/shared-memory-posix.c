/* POSIX shared memory: an object with a name and one whose name is gone, each mapped by two processes. */
#include "check.h"

enum { size = 1 << 20 };

static unsigned char *shared(const char *name) {
  int fd = must(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
  must(ftruncate(fd, size));
  unsigned char *memory = must(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  fill(memory, size, 8);
  close(fd);
  return memory;
}

int main(void) {
  unsigned char *named = shared("/named"), *removed = shared("/removed");
  must(shm_unlink("/removed"));
  pid_t child;
  if (fork_child(&child))
    for (;; usleep(1000)) {
      if (named[0] == 99) named[1] = 99;
      if (removed[0] == 98) removed[1] = 98;
    }
  hold();
  check(filled(named, size, 8) && filled(removed, size, 8));
  check(must(shm_open("/named", O_RDWR, 0)) >= 0 && shm_open("/removed", O_RDWR, 0) == -1);
  named[1] = removed[1] = 0;
  *(volatile unsigned char *)named = 99;
  *(volatile unsigned char *)removed = 98;
  for (int i = 0; i < 2000 && (((volatile unsigned char *)named)[1] != 99 || ((volatile unsigned char *)removed)[1] != 98); i++)
    usleep(1000);
  check(named[1] == 99 && removed[1] == 98);
  return pass();
}
