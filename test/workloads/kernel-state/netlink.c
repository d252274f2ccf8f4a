/* Netlink sockets: one bound for questions, one that has joined a group of announcements and is read by a child. */
#include "check.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

int main(void) {
  int route = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), events = must(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE));
  struct sockaddr_nl local = {.nl_family = AF_NETLINK}, grouped = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
  must(bind(route, (struct sockaddr *)&local, sizeof local));
  must(bind(events, (struct sockaddr *)&grouped, sizeof grouped));
  pid_t reader;
  if (fork_child(&reader))
    for (char event[8192];;) recv(events, event, sizeof event, 0);
  hold();
  struct {
    struct nlmsghdr header;
    struct rtgenmsg body;
  } request = {.header = {.nlmsg_len = sizeof request,
                          .nlmsg_type = RTM_GETLINK,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                          .nlmsg_seq = 7},
               .body = {.rtgen_family = AF_PACKET}};
  must(send(route, &request, sizeof request, 0));
  char answer[8192];
  check(recv(route, answer, sizeof answer, 0) > (ssize_t)sizeof(struct nlmsghdr));
  check(((struct nlmsghdr *)answer)->nlmsg_type == RTM_NEWLINK && ((struct nlmsghdr *)answer)->nlmsg_seq == 7);
  socklen_t length = sizeof grouped;
  must(getsockname(events, (struct sockaddr *)&grouped, &length));
  check(grouped.nl_groups == RTMGRP_LINK);
  return pass();
}
