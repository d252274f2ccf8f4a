/* Pipes: one filled to the brim, one with its writer gone, one made larger. */
#include "check.h"

enum { large = 1 << 18 };
static unsigned char buffer[large];

int main(void) {
  int full[2], ended[2], wide[2];
  must(pipe2(full, O_NONBLOCK));
  must(pipe(ended));
  must(pipe(wide));
  fill(buffer, large, 1);
  ssize_t amount = must(write(full[1], buffer, large));
  must(write(ended[1], "last", 4));
  must(close(ended[1]));
  int size = must(fcntl(wide[1], F_SETPIPE_SZ, large));
  check(write_whole(wide[1], buffer, 100000));
  hold();
  char word[8];
  static unsigned char got[large];
  check(write(full[1], "x", 1) == -1 && errno == EAGAIN);
  check(read_whole(full[0], got, (size_t)amount) && memcmp(got, buffer, (size_t)amount) == 0);
  check(read(full[0], word, 1) == -1 && errno == EAGAIN);
  check(read(ended[0], word, 8) == 4 && memcmp(word, "last", 4) == 0);
  check(read(ended[0], word, 8) == 0);
  check(fcntl(wide[0], F_GETPIPE_SZ) == size);
  check(read_whole(wide[0], got, 100000) && filled(got, 100000, 1));
  return pass();
}
