/* IPv6: an established TCP connection with data both ways, a listener for IPv6 only, a connected UDP socket. */
#include "loopback.h"

static struct sockaddr_in6 loopback6(uint16_t port) {
  return (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

int main(void) {
  struct sockaddr_in6 tcp_address = loopback6(4006), udp_address = loopback6(4007);
  int listener = must(socket(AF_INET6, SOCK_STREAM, 0)), client = must(socket(AF_INET6, SOCK_STREAM, 0)), yes = 1;
  must(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes));
  must(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  must(bind(listener, (struct sockaddr *)&tcp_address, sizeof tcp_address));
  must(listen(listener, 4));
  must(connect(client, (struct sockaddr *)&tcp_address, sizeof tcp_address));
  int server = must(accept(listener, NULL, NULL));
  must(write(client, "there", 5));
  must(write(server, "back", 4));
  int udp = must(socket(AF_INET6, SOCK_DGRAM, 0)), sender = must(socket(AF_INET6, SOCK_DGRAM, 0));
  must(bind(udp, (struct sockaddr *)&udp_address, sizeof udp_address));
  must(connect(sender, (struct sockaddr *)&udp_address, sizeof udp_address));
  hold();
  char text[8];
  check(read_whole(server, text, 5) && memcmp(text, "there", 5) == 0);
  check(read_whole(client, text, 4) && memcmp(text, "back", 4) == 0);
  must(write(client, "again", 5));
  check(read_whole(server, text, 5));
  int only = 0;
  socklen_t length = sizeof only;
  must(getsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length));
  check(only == 1);
  int late = must(socket(AF_INET6, SOCK_STREAM, 0));
  must(connect(late, (struct sockaddr *)&tcp_address, sizeof tcp_address));
  must(accept(listener, NULL, NULL));
  must(send(sender, "gram", 4, 0));
  check(recv(udp, text, sizeof text, 0) == 4);
  return pass();
}
