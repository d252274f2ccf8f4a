/* TCP connections inside a server. */
#pragma once
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

struct connection {
  int client, server;
};

static inline struct sockaddr_in loopback_address(uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static inline int listen_on_loopback(uint16_t port) {
  struct sockaddr_in address = loopback_address(port);
  int listener = must(socket(AF_INET, SOCK_STREAM, 0)), yes = 1;
  must(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  must(bind(listener, (struct sockaddr *)&address, sizeof address));
  must(listen(listener, 16));
  return listener;
}

static inline int connect_to_loopback(uint16_t port) {
  struct sockaddr_in address = loopback_address(port);
  int client = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect(client, (struct sockaddr *)&address, sizeof address));
  return client;
}

static inline struct connection connect_loopback(uint16_t port) {
  int listener = listen_on_loopback(port);
  int client = connect_to_loopback(port);
  int server = must(accept(listener, NULL, NULL));
  must(close(listener));
  return (struct connection){.client = client, .server = server};
}
