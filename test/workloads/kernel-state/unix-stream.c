/* A pair of Unix stream sockets with data queued in both directions, one of which has been shut down. */
#include "check.h"

enum { amount = 100000 };
static unsigned char buffer[amount];

int main(void) {
  int pair[2], size = 1 << 20;
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  must(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  fill(buffer, amount, 3);
  check(write_whole(pair[0], buffer, amount));
  must(write(pair[1], "back", 4));
  must(shutdown(pair[0], SHUT_WR));
  hold();
  char word[8];
  memset(buffer, 0, amount);
  check(read_whole(pair[1], buffer, amount) && filled(buffer, amount, 3));
  check(read(pair[1], word, 8) == 0);
  check(read(pair[0], word, 8) == 4 && memcmp(word, "back", 4) == 0);
  must(write(pair[1], "more", 4));
  check(read(pair[0], word, 8) == 4 && memcmp(word, "more", 4) == 0);
  return pass();
}
