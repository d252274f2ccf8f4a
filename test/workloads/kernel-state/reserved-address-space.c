/* Address space reserved beyond the machine's memory, without access and without saying that it needs no room: databases do so. */
#include "check.h"

enum { page = 4096 };
static const size_t whole = (size_t)1 << 40;

int main(void) {
  unsigned char *reserved = must(mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  unsigned char *used = reserved + whole / 2;
  must(mprotect(used, page, PROT_READ | PROT_WRITE));
  fill(used, page, 14);
  hold();
  check(filled(used, page, 14));
  must(mprotect(used + page, page, PROT_READ | PROT_WRITE));
  check(used[page] == 0);
  return pass();
}
