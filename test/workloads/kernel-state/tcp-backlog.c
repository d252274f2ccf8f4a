/*
 * TCP that listens: one connection accepted, the listener goes on accepting afterwards. A connection that nobody has
 * accepted yet is not kept; its client is told so and does not wait for ever.
 */
#include "loopback.h"

int main(void) {
  int listener = listen_on_loopback(4005);
  int first = connect_to_loopback(4005);
  int accepted = must(accept(listener, NULL, NULL));
  int waiting = connect_to_loopback(4005);
  must(write(waiting, "early", 5));
  hold();
  char text[8];
  must(write(first, "hello", 5));
  check(read_whole(accepted, text, 5));
  int late = connect_to_loopback(4005);
  must(write(late, "after", 5));
  struct timeval limit = {.tv_sec = 20};
  must(setsockopt(waiting, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
  int second = must(accept(listener, NULL, NULL));
  check(read_whole(second, text, 5) && memcmp(text, "after", 5) == 0);
  signal(SIGPIPE, SIG_IGN);
  if (write(waiting, "more", 4) == 4) check(read(waiting, text, 1) == -1 && errno == ECONNRESET);
  return pass();
}
