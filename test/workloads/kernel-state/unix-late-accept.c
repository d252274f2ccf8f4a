/* A Unix connection with data already sent, accepted by a server as soon as it has noticed that it stood still: the move waits for that. */
#include "check.h"
#include <sys/un.h>

static long now_ms(void) {
  struct timespec now;
  must(clock_gettime(CLOCK_MONOTONIC, &now));
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void stand_still(void) {
  for (long last = now_ms();;) {
    usleep(1000);
    long now = now_ms();
    if (now - last > 30) return;
    last = now;
  }
}

int main(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/unix-late-accept"};
  int listener = must(socket(AF_UNIX, SOCK_STREAM, 0)), client = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(bind(listener, (struct sockaddr *)&name, sizeof name));
  must(listen(listener, 4));
  must(connect(client, (struct sockaddr *)&name, sizeof name));
  must(write(client, "early", 5));
  pid_t server;
  if (fork_child(&server)) {
    stand_still();
    int connection = must(accept(listener, NULL, NULL));
    char text[8];
    check(read(connection, text, sizeof text) == 5);
    must(write(connection, "heard", 5));
    for (;;) pause();
  }
  hold();
  char text[5];
  check(read_whole(client, text, sizeof text) && memcmp(text, "heard", 5) == 0);
  return pass();
}
