/* Unix datagram sockets with names: queued messages keep their bounds and their sender. */
#include "check.h"
#include <sys/un.h>

static struct sockaddr_un named(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strcpy(name.sun_path, path);
  return name;
}

int main(void) {
  struct sockaddr_un receiver_name = named("/tmp/unix-datagram"), sender_name = named("/tmp/unix-datagram-sender");
  int receiver = must(socket(AF_UNIX, SOCK_DGRAM, 0)), sender = must(socket(AF_UNIX, SOCK_DGRAM, 0));
  must(bind(receiver, (struct sockaddr *)&receiver_name, sizeof receiver_name));
  must(bind(sender, (struct sockaddr *)&sender_name, sizeof sender_name));
  must(connect(sender, (struct sockaddr *)&receiver_name, sizeof receiver_name));
  must(send(sender, "one", 3, 0));
  must(send(sender, "three", 5, 0));
  hold();
  char text[16];
  check(recv(receiver, text, sizeof text, 0) == 3);
  check(recv(receiver, text, sizeof text, 0) == 5 && memcmp(text, "three", 5) == 0);
  must(send(sender, "after", 5, 0));
  struct sockaddr_un from;
  socklen_t length = sizeof from;
  check(recvfrom(receiver, text, sizeof text, 0, (struct sockaddr *)&from, &length) == 5);
  check(strcmp(from.sun_path, sender_name.sun_path) == 0);
  return pass();
}
