/* Who a process is: ids, groups, capabilities, limits, niceness, umask, its settings of prctl. */
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/resource.h>

int main(void) {
  gid_t groups[] = {4, 5, 6, 1000}, now[8];
  must(setgroups(4, groups));
  must(prctl(PR_SET_KEEPCAPS, 1));
  must(setresgid(1001, 1002, 1003));
  must(setresuid(1001, 1002, 1003));
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{.permitted = 1 << CAP_KILL, .effective = 1 << CAP_KILL, .inheritable = 1 << CAP_CHOWN}};
  data[0].permitted |= 1 << CAP_CHOWN;
  must((int)syscall(SYS_capset, &header, data));
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  must(prctl(PR_SET_NAME, "somebody"));
  must(prctl(PR_SET_CHILD_SUBREAPER, 1));
  must(setpriority(PRIO_PROCESS, 0, 7));
  must(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 77, .rlim_max = 88}));
  umask(0137);
  hold();
  uid_t real, effective, saved;
  must(getresuid(&real, &effective, &saved));
  check(real == 1001 && effective == 1002 && saved == 1003);
  must(getresgid(&real, &effective, &saved));
  check(real == 1001 && effective == 1002 && saved == 1003);
  check(getgroups(8, now) == 4 && memcmp(now, groups, sizeof groups) == 0);
  struct __user_cap_data_struct after[2];
  must((int)syscall(SYS_capget, &header, after));
  check(memcmp(after, data, sizeof data) == 0);
  char name[16];
  must(prctl(PR_GET_NAME, name));
  int subreaper;
  must(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  check(strcmp(name, "somebody") == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && subreaper == 1);
  check(getpriority(PRIO_PROCESS, 0) == 7 && umask(0) == 0137);
  struct rlimit limit;
  must(getrlimit(RLIMIT_NOFILE, &limit));
  check(limit.rlim_cur == 77 && limit.rlim_max == 88);
  return pass();
}
