/* A named pipe with data in it, and one whose name is gone. */
#include "check.h"

int main(void) {
  must(mkfifo("/tmp/fifo", 0600));
  must(mkfifo("/tmp/fifo-removed", 0600));
  int named = must(open("/tmp/fifo", O_RDWR));
  int removed = must(open("/tmp/fifo-removed", O_RDWR));
  must(unlink("/tmp/fifo-removed"));
  must(write(named, "in the fifo", 11));
  must(write(removed, "nameless", 8));
  hold();
  char text[16];
  check(read(named, text, sizeof text) == 11 && memcmp(text, "in the fifo", 11) == 0);
  check(read(removed, text, sizeof text) == 8 && memcmp(text, "nameless", 8) == 0);
  int again = must(open("/tmp/fifo", O_WRONLY));
  must(write(again, "more", 4));
  check(read(named, text, sizeof text) == 4);
  return pass();
}
