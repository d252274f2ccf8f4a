/* Mappings: 64 GiB with a page touched here and there, guard pages, huge pages where the kernel has them, shared anonymous memory. */
#include "check.h"

enum { touched = 256, huge = 32 << 20, page = 4096 };
static const size_t whole = (size_t)64 << 30;

int main(void) {
  unsigned char *sparse =
      must(mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (size_t i = 0; i < touched; i++) fill(sparse + i * (whole / touched), page, (unsigned)i);
  unsigned char *guarded = must(mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  guarded[page] = 77;
  must(mprotect(guarded, page, PROT_NONE));
  must(mprotect(guarded + page, page, PROT_READ));
  unsigned char *large = aligned_alloc(2 << 20, huge);
  madvise(large, huge, MADV_HUGEPAGE);
  fill(large, huge, 12);
  unsigned char *shared = must(mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  shared[huge - 1] = 78;
  must(mlock(guarded + page, page));
  hold();
  for (size_t i = 0; i < touched; i++) {
    check(filled(sparse + i * (whole / touched), page, (unsigned)i));
    check(sparse[i * (whole / touched) + page] == 0);
  }
  check(filled(large, huge, 12));
  check(shared[0] == 0 && shared[huge - 1] == 78);
  check(guarded[page] == 77);
  int ends[2];
  must(pipe(ends));
  check(write(ends[1], guarded, 1) == -1 && errno == EFAULT);
  check(read(ends[0], guarded + page, 0) == 0);
  return pass();
}
