/* A context of the kernel's asynchronous I/O that has work behind it, and more after the move. */
#include "check.h"
#include <linux/aio_abi.h>

static void write_one(aio_context_t context, int fd, int number) {
  char text[16];
  snprintf(text, sizeof text, "block %d", number);
  struct iocb block = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)text, .aio_nbytes = 16,
                       .aio_offset = number * 16, .aio_data = (uint64_t)number};
  struct iocb *blocks[] = {&block};
  check(syscall(SYS_io_submit, context, 1, blocks) == 1);
  struct io_event event;
  check(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1 && event.res == 16 && event.data == (uint64_t)number);
}

int main(void) {
  aio_context_t context = 0;
  must((int)syscall(SYS_io_setup, 8, &context));
  int fd = must(open("/tmp/async-io", O_RDWR | O_CREAT, 0600));
  for (int i = 0; i < 5; i++) write_one(context, fd, i);
  hold();
  for (int i = 5; i < 20; i++) write_one(context, fd, i);
  char text[16];
  check(pread(fd, text, 16, 19 * 16) == 16 && strcmp(text, "block 19") == 0);
  return pass();
}
