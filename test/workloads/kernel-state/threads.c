/* 200 threads, each with a variable, a name and a signal mask of its own, all waiting. */
#include "check.h"
#include <pthread.h>

enum { count = 200 };
static __thread uintptr_t own;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting;
static bool released;

static void *body(void *argument) {
  own = (uintptr_t)argument * 7;
  char name[16], now[16];
  snprintf(name, sizeof name, "thread-%d", (int)(uintptr_t)argument);
  must(prctl(PR_SET_NAME, name));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + (int)((uintptr_t)argument % 20));
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pid_t id = gettid();
  pthread_mutex_lock(&mutex);
  waiting++;
  pthread_cond_broadcast(&changed);
  while (!released) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
  must(prctl(PR_GET_NAME, now));
  pthread_sigmask(SIG_BLOCK, NULL, &set);
  bool as_was = own == (uintptr_t)argument * 7 && strcmp(now, name) == 0 && gettid() == id &&
                sigismember(&set, SIGRTMIN + (int)((uintptr_t)argument % 20)) == 1;
  return as_was ? argument : NULL;
}

int main(void) {
  pthread_t threads[count];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  for (uintptr_t i = 0; i < count; i++) check(pthread_create(&threads[i], &attributes, body, (void *)(i + 1)) == 0);
  pthread_mutex_lock(&mutex);
  while (waiting < count) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
  hold();
  pthread_mutex_lock(&mutex);
  released = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  for (uintptr_t i = 0; i < count; i++) {
    void *result;
    check(pthread_join(threads[i], &result) == 0);
    if (result != (void *)(i + 1)) fail("thread %lu is not as it was", i + 1);
  }
  return pass();
}
