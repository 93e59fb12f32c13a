// How long the broker's main thread keeps a client waiting: it sends PINGREQs at random moments.
//
// usage: probe PORT NAME PASSWORD PID INTERVAL_US SEED LOG
//
// PID is the broker's. Prints "ready", and writes lines "time delay held" to LOG, the last two in
// milliseconds, until its standard input ends. "delay" goes from PINGREQ to PINGRESP; "held" is the
// part of it in which the broker's main thread, or this program, waited for a processor.
#include "mqtt.h"
#include <fcntl.h>
#include <poll.h>

/// A thread's time on the run queue, in ms.
///
/// https://docs.kernel.org/scheduler/sched-stats.html
static double held_ms(int schedstat) {
  char text[96];
  ssize_t size = pread(schedstat, text, sizeof text - 1, 0);
  unsigned long long ran, waited;
  if (size <= 0) fail("schedstat: %s", strerror(errno));
  text[size] = 0;
  if (sscanf(text, "%llu %llu", &ran, &waited) != 2) fail("schedstat: '%s'", text);
  return waited / 1e6;
}

static int open_schedstat(const char *pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) fail("%s: %s", path, strerror(errno));
  return fd;
}

static void ping(int fd) {
  uint8_t answer[2];
  if (send(fd, "\300\0", 2, MSG_NOSIGNAL) != 2) fail("PINGREQ: %s", strerror(errno));
  if (recv(fd, answer, 2, MSG_WAITALL) != 2 || answer[0] != 0xd0) fail("PINGREQ: no answer");
}

int main(int count, char **arguments) {
  if (count != 8) fail("usage: probe PORT NAME PASSWORD PID INTERVAL_US SEED LOG");
  struct user user;
  snprintf(user.name, sizeof user.name, "%s", arguments[2]);
  snprintf(user.password, sizeof user.password, "%s", arguments[3]);
  int interval_us = atoi(arguments[5]);
  unsigned seed = strtoul(arguments[6], NULL, 10);
  FILE *out = fopen(arguments[7], "w");
  if (!out) fail("%s: %s", arguments[7], strerror(errno));
  char self[16];
  snprintf(self, sizeof self, "%d", getpid());
  int broker = open_schedstat(arguments[4]), own = open_schedstat(self);
  int fd = dial(atoi(arguments[1]), SOCK_STREAM);
  send_connect(fd, "load-probe", &user);
  await_success(fd, 4, "CONNECT");
  puts("ready");
  fflush(stdout);
  for (struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN}; poll(&input, 1, 0) == 0;) {
    usleep(rand_r(&seed) % (2 * interval_us));
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    double held = held_ms(broker) + held_ms(own), started = now_s();
    ping(fd);
    double delay = (now_s() - started) * 1000;
    held = held_ms(broker) + held_ms(own) - held;
    fprintf(out, "%.6f %.4f %.4f\n", wall.tv_sec + wall.tv_nsec / 1e9, delay, held);
  }
  if (fclose(out)) fail("%s: %s", arguments[7], strerror(errno));
}
