/* An event descriptor that counts like a semaphore: each read takes one. */
#include "check.h"
#include <sys/eventfd.h>

int main(void) {
  int semaphore = must(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK));
  hold();
  uint64_t value;
  for (int i = 0; i < 3; i++) check(read(semaphore, &value, sizeof value) == sizeof value && value == 1);
  check(read(semaphore, &value, sizeof value) == -1 && errno == EAGAIN);
  return pass();
}
