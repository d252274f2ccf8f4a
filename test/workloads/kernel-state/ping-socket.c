/* The socket of ping, open. */
#include "loopback.h"
#include <netinet/ip_icmp.h>

int main(void) {
  int ping = must(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  struct sockaddr_in address = loopback_address(0);
  hold();
  struct icmphdr request = {.type = ICMP_ECHO}, answer;
  must(sendto(ping, &request, sizeof request, 0, (struct sockaddr *)&address, sizeof address));
  check(recv(ping, &answer, sizeof answer, 0) == sizeof answer && answer.type == ICMP_ECHOREPLY);
  return pass();
}
