/* System V shared memory: an attached segment, one that is attached and removed, one that nobody has attached. */
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

enum { size = 1 << 20 };

int main(void) {
  int attached = must(shmget(0x1001, size, IPC_CREAT | IPC_EXCL | 0640));
  int alone = must(shmget(0x1002, size, IPC_CREAT | IPC_EXCL | 0600));
  unsigned char *memory = must(shmat(attached, NULL, 0)), *other = must(shmat(alone, NULL, 0));
  fill(memory, size, 9);
  fill(other, size, 10);
  must(shmdt(other));
  hold();
  check(filled(memory, size, 9));
  struct shmid_ds status;
  must(shmctl(must(shmget(0x1001, 0, 0)), IPC_STAT, &status));
  check(status.shm_nattch == 1 && status.shm_segsz == size && (status.shm_perm.mode & 0777) == 0640);
  check(shmget(0x1001, 0, 0) == attached);
  other = must(shmat(must(shmget(0x1002, 0, 0)), NULL, SHM_RDONLY));
  check(filled(other, size, 10));
  return pass();
}
