/* TCP closed in one direction: the other still carries data, sent before and after. */
#include "loopback.h"

int main(void) {
  struct connection tcp = connect_loopback(4002);
  must(write(tcp.client, "request", 7));
  must(shutdown(tcp.client, SHUT_WR));
  must(write(tcp.server, "answer", 6));
  hold();
  char text[16];
  check(read(tcp.server, text, sizeof text) == 7 && memcmp(text, "request", 7) == 0);
  check(read(tcp.server, text, sizeof text) == 0);
  must(write(tcp.server, " goes on", 8));
  check(read_whole(tcp.client, text, 14) && memcmp(text, "answer goes on", 14) == 0);
  must(close(tcp.server));
  check(read(tcp.client, text, sizeof text) == 0);
  return pass();
}
