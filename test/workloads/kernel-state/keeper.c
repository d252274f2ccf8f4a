/*
 * First process of a server: starts the programs it is given, keeps a pipe to each, and asks them for their verdict.
 *   keeper NAME...     runs the programs /bin/NAME
 *   keeper --ask       in the same server: prints "NAME ready|running|FAIL reason" of each; exit code 0 if all are ready
 *   keeper --verify    prints "NAME PASS|FAIL reason" of each; exit code 0 if all pass
 */
#include "check.h"
#include <poll.h>
#include <sys/un.h>

enum { most_programs = 128, line_length = 512, verdict_ms = 60000 };
static const char address[] = "\0keeper";

struct program {
  const char *name;
  int input, output;
  char line[line_length];
};

static struct sockaddr_un keeper_address(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  memcpy(name.sun_path, address, sizeof address - 1);
  return name;
}
enum { address_length = offsetof(struct sockaddr_un, sun_path) + sizeof address - 1 };

static void start(struct program *program) {
  int input[2], output[2];
  must(pipe2(input, O_CLOEXEC));
  must(pipe2(output, O_CLOEXEC));
  char path[PATH_MAX];
  snprintf(path, sizeof path, "/bin/%s", program->name);
  if (must(fork()) == 0) {
    must(dup2(input[0], 0));
    must(dup2(output[1], 1));
    execl(path, program->name, NULL);
    fail("%s: %s", path, strerror(errno));
  }
  close(input[0]);
  close(output[1]);
  program->input = input[1];
  program->output = output[0];
}

/** Takes the next line of a program if there is one within the time. */
static void take_line(struct program *program, int wait_ms) {
  char line[line_length];
  size_t length = 0;
  for (;;) {
    struct pollfd readable = {.fd = program->output, .events = POLLIN};
    if (poll(&readable, 1, wait_ms) <= 0) return;
    if (read(program->output, &line[length], 1) != 1) {
      if (strncmp(program->line, "FAIL", 4) != 0 && strncmp(program->line, "PASS", 4) != 0)
        snprintf(program->line, sizeof program->line, "FAIL it ended");
      return;
    }
    if (line[length] == '\n' || length == sizeof line - 2) break;
    length++;
    wait_ms = 1000;
  }
  line[length] = 0;
  memcpy(program->line, line, length + 1);
}

static void answer(int client, struct program *programs, int count) {
  char command = 0;
  if (read(client, &command, 1) != 1) return;
  if (command == 'v')
    for (int i = 0; i < count; i++) {
      snprintf(programs[i].line, sizeof programs[i].line, "FAIL no verdict within %d ms", verdict_ms);
      if (write(programs[i].input, "v", 1) != 1) snprintf(programs[i].line, sizeof programs[i].line, "FAIL it has ended");
      take_line(&programs[i], verdict_ms);
    }
  else
    for (int i = 0; i < count; i++) take_line(&programs[i], 0);
  for (int i = 0; i < count; i++) dprintf(client, "%s %s\n", programs[i].name, programs[i].line);
}

static int keep(int count, char **names) {
  static struct program programs[most_programs];
  struct sockaddr_un name = keeper_address();
  int listener = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  must(bind(listener, (struct sockaddr *)&name, address_length));
  must(listen(listener, 8));
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < count && i < most_programs; i++) {
    programs[i].name = names[i];
    snprintf(programs[i].line, line_length, "running");
    start(&programs[i]);
  }
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (waitpid(-1, NULL, WNOHANG) > 0);
    if (client == -1) continue;
    answer(client, programs, count);
    close(client);
  }
}

static int ask(char command, const char *wanted) {
  struct sockaddr_un name = keeper_address();
  int keeper = must(socket(AF_UNIX, SOCK_STREAM, 0));
  must(connect(keeper, (struct sockaddr *)&name, address_length));
  must(write(keeper, &command, 1));
  FILE *lines = fdopen(keeper, "r");
  char line[line_length * 2];
  bool all = true;
  while (fgets(line, sizeof line, lines) != NULL) {
    fputs(line, stdout);
    char *verdict = strchr(line, ' ');
    all = all && verdict != NULL && strncmp(verdict + 1, wanted, strlen(wanted)) == 0;
  }
  return all ? 0 : 1;
}

static void end(int signal) {
  (void)signal;
  _exit(0);
}

int main(int count, char **words) {
  if (count == 2 && strcmp(words[1], "--ask") == 0) return ask('a', "ready");
  if (count == 2 && strcmp(words[1], "--verify") == 0) return ask('v', "PASS");
  signal(SIGTERM, end);
  return keep(count - 1, words + 1);
}
