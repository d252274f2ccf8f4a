/* UDP: a bound and a connected socket with their options. A datagram that nobody has read is not kept: the network may lose it. */
#include "loopback.h"

int main(void) {
  struct sockaddr_in address = loopback_address(4001);
  int bound = must(socket(AF_INET, SOCK_DGRAM, 0)), connected = must(socket(AF_INET, SOCK_DGRAM, 0)), yes = 1;
  must(setsockopt(connected, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes));
  must(bind(bound, (struct sockaddr *)&address, sizeof address));
  must(connect(connected, (struct sockaddr *)&address, sizeof address));
  hold();
  int broadcast = 0;
  socklen_t length = sizeof broadcast;
  must(getsockopt(connected, SOL_SOCKET, SO_BROADCAST, &broadcast, &length));
  check(broadcast == 1);
  char text[8];
  struct sockaddr_in from;
  length = sizeof from;
  must(send(connected, "there", 5, 0));
  check(recvfrom(bound, text, sizeof text, 0, (struct sockaddr *)&from, &length) == 5);
  must(sendto(bound, "back", 4, 0, (struct sockaddr *)&from, length));
  check(recv(connected, text, sizeof text, 0) == 4);
  return pass();
}
