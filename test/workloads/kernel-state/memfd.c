/* Memory files: one sealed, one that two processes write to. */
#include "check.h"

enum { size = 1 << 20 };

int main(void) {
  int sealed = must(memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC)), shared = must(memfd_create("shared", 0));
  unsigned char *buffer = malloc(size);
  fill(buffer, size, 11);
  check(write_whole(sealed, buffer, size));
  must(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
  must(ftruncate(shared, size));
  volatile unsigned char *memory = must(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0));
  pid_t child;
  if (fork_child(&child))
    for (;; usleep(1000))
      if (memory[0] == 1) memory[1] = 2;
  hold();
  check(fcntl(sealed, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_SHRINK));
  must(lseek(sealed, 0, SEEK_SET));
  check(read_whole(sealed, buffer, size) && filled(buffer, size, 11));
  check(write(sealed, "x", 1) == -1);
  memory[0] = 1;
  for (int i = 0; i < 2000 && memory[1] != 2; i++) usleep(1000);
  check(memory[1] == 2);
  return pass();
}
