// Logs in again and again, so many at once.
//
// usage: logins PORT USERS LOGINS AT_ONCE [CODE]
//
// USERS is a file of lines "name password", taken in turn. Prints the seconds it took; a login that
// is answered with another code than CODE, 0 by default, is an error.
#include "mqtt.h"
#include <sys/epoll.h>

static int port;
static int epoll;
static struct user *users;
static size_t user_count, started;

static void start(void) {
  char client_id[48];
  snprintf(client_id, sizeof client_id, "login-%d-%zu", getpid(), started);
  // Connecting to loopback takes no time: the kernel answers, not the broker.
  int fd = dial(port, SOCK_STREAM);
  send_connect(fd, client_id, &users[started++ % user_count]);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int count, char **arguments) {
  if (count != 5 && count != 6) fail("usage: logins PORT USERS LOGINS AT_ONCE [CODE]");
  int code = count > 5 ? atoi(arguments[5]) : 0;
  port = atoi(arguments[1]);
  user_count = read_users(arguments[2], &users);
  size_t logins = strtoul(arguments[3], NULL, 10), at_once = strtoul(arguments[4], NULL, 10);
  if (at_once == 0 || at_once > logins) fail("AT_ONCE: 1 to LOGINS");
  epoll = epoll_create1(0);

  double began = now_s();
  while (started < at_once) start();
  for (size_t done = 0; done < logins;) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, 60000);
    if (ready == 0) fail("no login was answered for a minute");
    for (int i = 0; i < ready; i++) {
      await_answer(events[i].data.fd, 4, code, "a login");
      close(events[i].data.fd);
      done++;
      if (started < logins) start();
    }
  }
  printf("%.6f\n", now_s() - began);
}
