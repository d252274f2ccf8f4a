/* inotify: watches on a folder and a file go on with the same numbers. Events that nobody has read are not kept. */
#include "check.h"
#include <sys/inotify.h>

int main(void) {
  must(mkdir("/tmp/watched", 0700));
  int file = must(open("/tmp/watched-file", O_RDWR | O_CREAT, 0600));
  int watcher = must(inotify_init1(IN_NONBLOCK));
  int folder_watch = must(inotify_add_watch(watcher, "/tmp/watched", IN_CREATE | IN_DELETE));
  int file_watch = must(inotify_add_watch(watcher, "/tmp/watched-file", IN_MODIFY));
  hold();
  _Alignas(struct inotify_event) char buffer[4096];
  while (read(watcher, buffer, sizeof buffer) > 0);
  must(close(must(open("/tmp/watched/new", O_WRONLY | O_CREAT, 0600))));
  check(read(watcher, buffer, sizeof buffer) > 0);
  struct inotify_event *event = (struct inotify_event *)buffer;
  check(event->wd == folder_watch && event->mask == IN_CREATE && strcmp(event->name, "new") == 0);
  must(write(file, "x", 1));
  check(read(watcher, buffer, sizeof buffer) > 0 && event->wd == file_watch && event->mask == IN_MODIFY);
  return pass();
}
