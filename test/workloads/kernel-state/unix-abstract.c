/* An abstract Unix socket that listens: one connection accepted, with data; one still waiting to be accepted. */
#include "check.h"
#include <sys/un.h>

int main(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0abstract"};
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + 9;
  int listener = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  must(bind(listener, (struct sockaddr *)&name, length));
  must(listen(listener, 4));
  int first = must(socket(AF_UNIX, SOCK_SEQPACKET, 0)), second = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  must(connect(first, (struct sockaddr *)&name, length));
  int accepted = must(accept(listener, NULL, NULL));
  must(send(first, "to the accepted", 15, 0));
  must(connect(second, (struct sockaddr *)&name, length));
  hold();
  must(send(second, "early", 5, 0));
  char text[32];
  check(recv(accepted, text, sizeof text, 0) == 15);
  int late = must(accept(listener, NULL, NULL));
  check(recv(late, text, sizeof text, 0) == 5 && memcmp(text, "early", 5) == 0);
  must(send(late, "hello", 5, 0));
  check(recv(second, text, sizeof text, 0) == 5);
  return pass();
}
