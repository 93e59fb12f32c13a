// Many subscribers, and a line for each message that one of them receives.
//
// usage: listen PORT USERS LOG FILTER...
//
// Each line "name password" of USERS is a client that subscribes to all FILTERs, in QoS 0. Prints
// "ready", and writes lines "time name topic payload" to LOG until its standard input ends. It ends
// with an error if one loses its connection.
#include "mqtt.h"
#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum { CAPACITY = 16384, STANDARD_INPUT = -1 };

struct client {
  int fd;
  size_t size;
  uint8_t *bytes;  // what has arrived of packets that are not whole
};

static struct user *users;
static struct client *clients;
static FILE *out;

static double wall_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/// Writes what a PUBLISH of QoS 0 says, which begins at its topic's length.
static void note(const char *name, double time_s, const uint8_t *packet, size_t length) {
  if (length < 2) fail("%s: a PUBLISH of %zu bytes", name, length);
  size_t topic = packet[0] << 8 | packet[1];
  if (topic + 2 > length) fail("%s: a PUBLISH whose topic is longer than itself", name);
  fprintf(out, "%.6f %s %.*s %.*s\n", time_s, name, (int)topic, packet + 2,
          (int)(length - 2 - topic), packet + 2 + topic);
}

/// Takes one packet off the bytes, if it is whole; gives its size, or 0.
static size_t take(const char *name, double time_s, const uint8_t *bytes, size_t size) {
  size_t length = 0, at = 1;
  for (int shift = 0;; shift += 7) {
    if (at == size || size == 0) return 0;
    if (shift > 21) fail("%s: a packet without a length", name);
    length |= (size_t)(bytes[at] & 127) << shift;
    if (bytes[at++] < 128) break;
  }
  if (at + length > CAPACITY) fail("%s: a packet of %zu bytes", name, length);
  if (size < at + length) return 0;
  if (bytes[0] >> 4 == 3) note(name, time_s, bytes + at, length);
  return at + length;
}

static void receive(size_t number) {
  struct client *client = &clients[number];
  const char *name = users[number].name;
  ssize_t got = recv(client->fd, client->bytes + client->size, CAPACITY - client->size, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) fail("%s lost its connection", name);
  client->size += got;
  double time_s = wall_s();
  size_t at = 0, size;
  while ((size = take(name, time_s, client->bytes + at, client->size - at))) at += size;
  client->size -= at;
  memmove(client->bytes, client->bytes + at, client->size);
}

static void connect_one(size_t number, int port, int epoll, char **filters, int count) {
  char client_id[160];
  struct client *client = &clients[number];
  snprintf(client_id, sizeof client_id, "load-%s", users[number].name);
  client->fd = dial(port, SOCK_STREAM);
  client->bytes = malloc(CAPACITY);
  if (!client->bytes) fail("out of memory");
  send_connect(client->fd, client_id, &users[number]);
  await_success(client->fd, 4, users[number].name);
  for (int i = 0; i < count; i++) {
    send_subscribe(client->fd, filters[i]);
    await_success(client->fd, 5, filters[i]);
  }
  fcntl(client->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
  epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
}

int main(int count, char **arguments) {
  if (count < 5) fail("usage: listen PORT USERS LOG FILTER...");
  size_t total = read_users(arguments[2], &users);
  out = fopen(arguments[3], "w");
  if (!out) fail("%s: %s", arguments[3], strerror(errno));
  clients = calloc(total, sizeof *clients);
  if (!clients) fail("out of memory");
  int epoll = epoll_create1(0);
  for (size_t i = 0; i < total; i++)
    connect_one(i, atoi(arguments[1]), epoll, arguments + 4, count - 4);
  struct epoll_event end = {.events = EPOLLIN, .data.u64 = (uint64_t)STANDARD_INPUT};
  epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &end);
  puts("ready");
  fflush(stdout);
  for (bool is_over = false; !is_over;) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.u64 == (uint64_t)STANDARD_INPUT) is_over = true;
      else receive(events[i].data.u64);
    }
  }
  if (fclose(out)) fail("%s: %s", arguments[3], strerror(errno));
}
