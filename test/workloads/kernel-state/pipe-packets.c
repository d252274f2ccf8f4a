/* A pipe in packet mode, which CRIU cannot dump. */
#include "check.h"

int main(void) {
  int packets[2];
  must(pipe2(packets, O_DIRECT));
  must(write(packets[1], "one", 3));
  must(write(packets[1], "three", 5));
  hold();
  char word[8];
  check(read(packets[0], word, 8) == 3);
  check(read(packets[0], word, 8) == 5 && memcmp(word, "three", 5) == 0);
  return pass();
}
