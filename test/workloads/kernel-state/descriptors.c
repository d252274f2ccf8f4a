/* Open files: 1,000 of them, an offset that two processes share, append mode, close-on-exec, an unnamed file, a folder being read. */
#include "check.h"
#include <dirent.h>

enum { many = 1000 };

int main(void) {
  must(mkdir("/tmp/descriptors", 0700));
  char path[64], text[16];
  int numbered[many];
  for (int i = 0; i < many; i++) {
    snprintf(path, sizeof path, "/tmp/descriptors/%d", i);
    numbered[i] = open(path, O_RDWR | O_CREAT, 0600);
    if (numbered[i] == -1 && errno == EMFILE) {
      numbered[i] = numbered[0];
      continue;
    }
    must(numbered[i]);
    must(dprintf(numbered[i], "file %d", i));
  }
  int shared = must(open("/tmp/descriptors-shared", O_RDWR | O_CREAT, 0600));
  must(write(shared, "0123456789", 10));
  must(lseek(shared, 4, SEEK_SET));
  int appended = must(open("/tmp/descriptors-shared", O_WRONLY | O_APPEND | O_CLOEXEC));
  int unnamed = must(open("/tmp", O_RDWR | O_TMPFILE, 0600));
  must(write(unnamed, "unnamed", 7));
  DIR *folder = opendir("/tmp/descriptors");
  for (int i = 0; i < 10; i++) check(readdir(folder) != NULL);
  int ask[2], told[2];
  must(pipe(ask));
  must(pipe(told));
  pid_t child;
  if (fork_child(&child)) {
    must(read(ask[0], text, 1));
    must(read(shared, text, 2));
    must(write(told[1], "d", 1));
    _exit(0);
  }
  hold();
  for (int i = 0; i < many; i++) {
    if (i > 0 && numbered[i] == numbered[0]) break;
    snprintf(path, sizeof path, "file %d", i);
    ssize_t got = must(pread(numbered[i], text, sizeof text, 0));
    check((size_t)got == strlen(path) && memcmp(text, path, (size_t)got) == 0);
  }
  must(write(ask[1], "?", 1));
  must(read(told[0], text, 1));
  check(lseek(shared, 0, SEEK_CUR) == 6);
  must(write(appended, "X", 1));
  check(lseek(appended, 0, SEEK_CUR) == 11 && (fcntl(appended, F_GETFD) & FD_CLOEXEC) != 0);
  check(pread(unnamed, text, 7, 0) == 7 && memcmp(text, "unnamed", 7) == 0);
  int rest = 0;
  while (readdir(folder) != NULL) rest++;
  check(rest > 0);
  return pass();
}
