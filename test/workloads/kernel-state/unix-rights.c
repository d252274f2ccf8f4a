/* A descriptor under way: sent over a Unix socket, not received yet, closed by its sender. */
#include "check.h"

int main(void) {
  int pair[2], ends[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  must(pipe(ends));
  must(write(ends[1], "inside", 6));
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
  memcpy(CMSG_DATA(&control.header), &ends[0], sizeof(int));
  struct iovec data = {.iov_base = "fd", .iov_len = 2};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  must(sendmsg(pair[0], &message, 0));
  must(close(ends[0]));
  hold();
  char text[8];
  memset(&control, 0, sizeof control);
  data = (struct iovec){.iov_base = text, .iov_len = sizeof text};
  check(recvmsg(pair[1], &message, 0) == 2);
  check(control.header.cmsg_type == SCM_RIGHTS);
  int received;
  memcpy(&received, CMSG_DATA(&control.header), sizeof received);
  check(read(received, text, sizeof text) == 6 && memcmp(text, "inside", 6) == 0);
  return pass();
}
