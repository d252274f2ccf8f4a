/* A System V message queue with messages of several types. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
  long type;
  char text[32];
};

int main(void) {
  int queue = must(msgget(0x3001, IPC_CREAT | IPC_EXCL | 0600));
  must(msgsnd(queue, &(struct message){.type = 2, .text = "second"}, 7, 0));
  must(msgsnd(queue, &(struct message){.type = 1, .text = "first"}, 6, 0));
  hold();
  struct message got;
  check(msgget(0x3001, 0) == queue);
  check(msgrcv(queue, &got, sizeof got.text, 1, IPC_NOWAIT) == 6 && strcmp(got.text, "first") == 0);
  check(msgrcv(queue, &got, sizeof got.text, 0, IPC_NOWAIT) == 7 && strcmp(got.text, "second") == 0);
  check(msgrcv(queue, &got, sizeof got.text, 0, IPC_NOWAIT) == -1 && errno == ENOMSG);
  return pass();
}
