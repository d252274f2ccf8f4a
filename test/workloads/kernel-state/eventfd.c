/* An event descriptor with a count. */
#include "check.h"
#include <sys/eventfd.h>

int main(void) {
  int counter = must(eventfd(0, EFD_NONBLOCK));
  uint64_t value = 12345;
  must(write(counter, &value, sizeof value));
  hold();
  check(read(counter, &value, sizeof value) == sizeof value && value == 12345);
  check(read(counter, &value, sizeof value) == -1 && errno == EAGAIN);
  return pass();
}
