/* Two processes that never stop counting to each other over TCP: no number is lost, doubled or out of order. */
#include "loopback.h"

int main(void) {
  struct connection tcp = connect_loopback(4004);
  int stop[2];
  must(pipe(stop));
  pid_t counter, echo;
  if (fork_child(&echo)) {
    uint64_t number, expected = 0;
    close(tcp.client);
    while (read_whole(tcp.server, &number, sizeof number)) {
      if (number != expected++) fail("the server read %lu, expected %lu", number, expected - 1);
      if (!write_whole(tcp.server, &number, sizeof number)) break;
    }
    _exit(0);
  }
  if (fork_child(&counter)) {
    must(fcntl(stop[0], F_SETFL, O_NONBLOCK));
    char byte;
    for (uint64_t number = 0;; number++) {
      uint64_t answer;
      if (!write_whole(tcp.client, &number, sizeof number) || !read_whole(tcp.client, &answer, sizeof answer)) _exit(2);
      if (answer != number) _exit(3);
      if (read(stop[0], &byte, 1) == 1) _exit(number > 100 ? 0 : 4);
      usleep(1000);
    }
  }
  hold();
  usleep(100000);
  must(write(stop[1], "s", 1));
  int status;
  must(waitpid(counter, &status, 0));
  check(WIFEXITED(status));
  check(WEXITSTATUS(status) == 0);
  return pass();
}
