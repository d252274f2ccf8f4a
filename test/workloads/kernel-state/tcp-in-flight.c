/* TCP with both directions full: data in the receiver's queue, in the sender's queue, and none of it read. */
#include "loopback.h"

enum { most = 32 << 20 };
static unsigned char buffer[most];

static size_t stuff(int fd, unsigned seed) {
  fill(buffer, most, seed);
  must(fcntl(fd, F_SETFL, O_NONBLOCK));
  size_t sent = 0;
  for (ssize_t put; sent < most && (put = write(fd, buffer + sent, most - sent)) > 0;) sent += (size_t)put;
  must(fcntl(fd, F_SETFL, 0));
  return sent;
}

int main(void) {
  struct connection tcp = connect_loopback(4003);
  size_t there = stuff(tcp.client, 5), back = stuff(tcp.server, 6);
  check(there > 100000 && back > 100000);
  hold();
  check(read_whole(tcp.server, buffer, there) && filled(buffer, there, 5));
  check(read_whole(tcp.client, buffer, back) && filled(buffer, back, 6));
  must(write(tcp.client, "more", 4));
  check(read_whole(tcp.server, buffer, 4) && memcmp(buffer, "more", 4) == 0);
  return pass();
}
