/* setitimer: the real one goes on firing, the one on processor time keeps its setting. */
#include "check.h"
#include <sys/time.h>

static volatile sig_atomic_t fired;
static void count(int signal) {
  (void)signal;
  fired++;
}

int main(void) {
  struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
  must(sigaction(SIGALRM, &action, NULL));
  struct itimerval every = {.it_interval = {.tv_usec = 50000}, .it_value = {.tv_usec = 50000}};
  struct itimerval hour = {.it_interval = {.tv_sec = 7}, .it_value = {.tv_sec = 3600}}, left;
  must(setitimer(ITIMER_REAL, &every, NULL));
  must(setitimer(ITIMER_VIRTUAL, &hour, NULL));
  hold();
  int before = fired;
  for (int i = 0; i < 100 && fired < before + 2; i++) usleep(50000);
  check(fired >= before + 2);
  must(getitimer(ITIMER_VIRTUAL, &left));
  check(left.it_interval.tv_sec == 7 && left.it_value.tv_sec > 3500);
  return pass();
}
