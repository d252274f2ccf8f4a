/* Memory that is moved, given up, taken anew and copied by forks all the time, also while it is being filled after a restore. */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>

enum { page = 4096, kept_pages = 12288, moved_pages = 512, scratch_pages = 1024 };
static volatile bool stopped;
static unsigned char *kept;

static void stamp(unsigned char *memory, int pages, unsigned seed) {
  for (int i = 0; i < pages; i++) fill(memory + (size_t)i * page, page, seed + i);
}

static bool stamped(const unsigned char *memory, int pages, unsigned seed) {
  for (int i = 0; i < pages; i++)
    if (!filled(memory + (size_t)i * page, page, seed + i)) return false;
  return true;
}

static unsigned char *take(int pages) {
  return must(mmap(NULL, (size_t)pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* To another place and back, page by page from its middle, and looked at only then. */
static void *move(void *argument) {
  size_t half = (size_t)moved_pages / 2 * page;
  unsigned char *memory = take(moved_pages);
  stamp(memory, moved_pages, 3);
  while (!stopped) {
    unsigned char *place = take(moved_pages);
    check(mremap(memory + half, half, half, MREMAP_MAYMOVE | MREMAP_FIXED, place + half) == place + half);
    check(mremap(memory, half, half, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
    memory = place;
    check(stamped(memory, moved_pages, 3));
    usleep(500);
  }
  return argument;
}

/* Given up and taken anew, as an allocator does with memory that it has no use for. */
static void *give_up(void *argument) {
  unsigned char *memory = take(scratch_pages);
  for (unsigned round = 0; !stopped; round++) {
    stamp(memory, scratch_pages, round);
    check(stamped(memory, scratch_pages, round));
    must(madvise(memory, (size_t)scratch_pages / 2 * page, MADV_DONTNEED));
    for (int i = 0; i < scratch_pages / 2; i++) check(memory[(size_t)i * page] == 0);
    unsigned char *other = take(16);
    other[0] = 1;
    must(munmap(other, 16 * page));
    usleep(500);
  }
  return argument;
}

/* Children that look at pages which may not be there yet. */
static void *fork_often(void *argument) {
  for (unsigned round = 0; !stopped; round++) {
    pid_t child = must(fork());
    if (child == 0) {
      int first = (int)((round * 997) % (kept_pages - 64));
      _exit(stamped(kept + (size_t)first * page, 64, 7 + first) ? 0 : 1);
    }
    int status = 1;
    check(waitpid(child, &status, 0) == child && status == 0);
    usleep(2000);
  }
  return argument;
}

int main(void) {
  kept = take(kept_pages);
  stamp(kept, kept_pages, 7);
  void *(*bodies[])(void *) = {move, give_up, fork_often};
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) check(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0);
  hold();
  stopped = true;
  for (int i = 0; i < 3; i++) check(pthread_join(threads[i], NULL) == 0);
  check(stamped(kept, kept_pages, 7));
  return pass();
}
