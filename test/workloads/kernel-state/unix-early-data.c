/* A Unix connection that nobody has accepted yet, with data already sent: CRIU cannot dump it. It passes: a server accepts soon. */
#include "check.h"
#include <sys/un.h>

int main(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/unix-early-data"};
  int listener = must(socket(AF_UNIX, SOCK_STREAM, 0)), client = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(bind(listener, (struct sockaddr *)&name, sizeof name));
  must(listen(listener, 4));
  must(connect(client, (struct sockaddr *)&name, sizeof name));
  must(write(client, "early", 5));
  hold();
  char text[8];
  check(read(must(accept(listener, NULL, NULL)), text, sizeof text) == 5);
  return pass();
}
