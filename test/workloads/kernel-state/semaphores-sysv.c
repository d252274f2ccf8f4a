/* System V semaphores: values, who changed them last, and a process that waits for one. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/sem.h>

int main(void) {
  int set = must(semget(0x2001, 3, IPC_CREAT | IPC_EXCL | 0600));
  unsigned short values[3] = {5, 0, 7};
  must(semctl(set, 0, SETALL, values));
  pid_t child;
  if (fork_child(&child)) {
    struct sembuf take = {.sem_num = 1, .sem_op = -1};
    while (semop(set, &take, 1) == -1) check(errno == EINTR);
    _exit(7);
  }
  usleep(20000);
  hold();
  check(semget(0x2001, 0, 0) == set);
  check(semctl(set, 0, GETVAL) == 5 && semctl(set, 1, GETVAL) == 0 && semctl(set, 2, GETVAL) == 7);
  struct sembuf give = {.sem_num = 1, .sem_op = 1};
  must(semop(set, &give, 1));
  int status;
  must(waitpid(child, &status, 0));
  check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  return pass();
}
