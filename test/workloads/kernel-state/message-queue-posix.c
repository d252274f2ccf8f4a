/* A POSIX message queue, open, with messages. */
#include "check.h"
#include <mqueue.h>

int main(void) {
  struct mq_attr limits = {.mq_maxmsg = 4, .mq_msgsize = 64};
  mqd_t queue = must(mq_open("/queue", O_RDWR | O_CREAT | O_EXCL, 0600, &limits));
  must(mq_send(queue, "low", 3, 1));
  must(mq_send(queue, "high", 4, 9));
  hold();
  char text[64];
  unsigned priority;
  check(mq_receive(queue, text, sizeof text, &priority) == 4 && priority == 9);
  check(mq_receive(queue, text, sizeof text, &priority) == 3 && priority == 1);
  return pass();
}
