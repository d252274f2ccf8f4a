/* POSIX semaphores and process-shared locks: a named semaphore, and a mutex in shared memory that another process waits for. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>

int main(void) {
  sem_t *named = sem_open("/semaphore", O_CREAT | O_EXCL, 0600, 3);
  check(named != SEM_FAILED);
  pthread_mutex_t *mutex = must(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &shared);
  pthread_mutex_lock(mutex);
  pid_t child;
  if (fork_child(&child)) {
    if (pthread_mutex_lock(mutex) != 0) _exit(1);
    _exit(8); // still held: its owner has died
  }
  usleep(20000);
  hold();
  int value, status;
  must(sem_getvalue(named, &value));
  check(value == 3);
  must(sem_trywait(sem_open("/semaphore", 0)));
  must(sem_getvalue(named, &value));
  check(value == 2);
  check(waitpid(child, &status, WNOHANG) == 0);
  check(pthread_mutex_unlock(mutex) == 0);
  must(waitpid(child, &status, 0));
  check(WIFEXITED(status) && WEXITSTATUS(status) == 8);
  check(pthread_mutex_lock(mutex) == EOWNERDEAD);
  return pass();
}
