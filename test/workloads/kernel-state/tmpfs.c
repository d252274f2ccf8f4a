/* Content of a tmpfs: folders, modes, owners, links, an empty and a sparse file. */
#include "check.h"

int main(void) {
  must(mkdir("/dev/shm/folder", 0750));
  int fd = must(open("/dev/shm/folder/sparse", O_RDWR | O_CREAT, 0604));
  must(pwrite(fd, "end", 3, 10 << 20));
  must(fchown(fd, 1234, 2345));
  must(close(fd));
  must(close(must(open("/dev/shm/folder/empty", O_WRONLY | O_CREAT, 0600))));
  must(symlink("sparse", "/dev/shm/folder/symlink"));
  must(link("/dev/shm/folder/sparse", "/dev/shm/folder/hard"));
  must(mkfifo("/dev/shm/folder/fifo", 0600));
  hold();
  struct stat folder, sparse, hard, empty, fifo;
  must(stat("/dev/shm/folder", &folder));
  must(stat("/dev/shm/folder/symlink", &sparse));
  must(stat("/dev/shm/folder/hard", &hard));
  must(stat("/dev/shm/folder/empty", &empty));
  must(stat("/dev/shm/folder/fifo", &fifo));
  check((folder.st_mode & 0777) == 0750);
  check(sparse.st_size == (10 << 20) + 3 && sparse.st_blocks < 1024);
  check((sparse.st_mode & 0777) == 0604 && sparse.st_uid == 1234 && sparse.st_gid == 2345);
  check(sparse.st_ino == hard.st_ino && empty.st_size == 0 && S_ISFIFO(fifo.st_mode));
  char text[4];
  fd = must(open("/dev/shm/folder/sparse", O_RDONLY));
  check(pread(fd, text, 3, 10 << 20) == 3 && memcmp(text, "end", 3) == 0);
  return pass();
}
