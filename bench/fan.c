// One publisher, many subscribers, in a closed loop: a message is published only when the one that
// went WINDOW messages before it has reached everybody it should, so that nothing is ever dropped.
//
// usage: fan PORT TOPIC PUBLISHER USERS READERS
//
// PUBLISHER and USERS are files of lines "name password"; each line of USERS subscribes to TOPIC,
// and the first READERS of them have to receive it. Prints "ready"; then, for each number read from
// standard input, publishes so many messages and prints the seconds it took.
#include "mqtt.h"
#include <fcntl.h>
#include <sys/epoll.h>

enum { WINDOW = 16, PACKET_SIZE = 128 };

static size_t subscriber_count, reader_count;
static int epoll, *sockets;
static uint64_t *received;  // bytes, per subscriber
static uint64_t received_by_readers;

static void subscribe(int port, const char *topic, const struct user *users) {
  epoll = epoll_create1(0);
  for (size_t i = 0; i < subscriber_count; i++) {
    char client_id[32];
    snprintf(client_id, sizeof client_id, "fan-%04zu", i);
    sockets[i] = dial(port, SOCK_STREAM);
    send_connect(sockets[i], client_id, &users[i]);
    await_success(sockets[i], 4, users[i].name);
    send_subscribe(sockets[i], topic);
    await_success(sockets[i], 5, users[i].name);
    fcntl(sockets[i], F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
    epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event);
  }
}

static void receive(void) {
  static struct epoll_event events[256];
  static char buffer[65536];
  int count = epoll_wait(epoll, events, 256, 60000);
  if (count == 0) fail("nothing has arrived for a minute");
  for (int i = 0; i < count; i++) {
    size_t subscriber = events[i].data.u64;
    ssize_t size = recv(sockets[subscriber], buffer, sizeof buffer, 0);
    if (size <= 0) fail("subscriber %zu lost its connection", subscriber);
    if (subscriber >= reader_count) fail("subscriber %zu got what it may not read", subscriber);
    received[subscriber] += size;
    received_by_readers += size;
  }
}

static void publish(int fd, uint8_t *packet, uint64_t messages, uint64_t *total) {
  for (uint64_t sent = 0; sent < messages || received_by_readers < *total * reader_count;) {
    // Too many on the way, or all are: wait.
    uint64_t is_behind = received_by_readers + WINDOW * PACKET_SIZE * reader_count
      <= *total * reader_count;
    if (sent == messages || is_behind) {
      receive();
      continue;
    }
    if (send(fd, packet, PACKET_SIZE, MSG_NOSIGNAL) != PACKET_SIZE)
      fail("the publisher is cut off");
    sent++;
    *total += PACKET_SIZE;
  }
}

int main(int count, char **arguments) {
  if (count != 6) fail("usage: fan PORT TOPIC PUBLISHER USERS READERS");
  int port = atoi(arguments[1]);
  const char *topic = arguments[2];
  struct user *publisher, *users;
  read_users(arguments[3], &publisher);
  subscriber_count = read_users(arguments[4], &users);
  reader_count = strtoul(arguments[5], NULL, 10);
  if (reader_count == 0 || reader_count > subscriber_count) fail("READERS: 1 to the users' number");
  sockets = calloc(subscriber_count, sizeof *sockets);
  received = calloc(subscriber_count, sizeof *received);
  if (!sockets || !received) fail("out of memory");
  subscribe(port, topic, users);

  char client_id[32];
  snprintf(client_id, sizeof client_id, "fan-publisher");
  int fd = dial(port, SOCK_STREAM);
  send_connect(fd, client_id, publisher);
  await_success(fd, 4, publisher->name);

  // Two bytes of fixed header, the topic, and a payload that fills the rest.
  uint8_t packet[PACKET_SIZE + 5];
  memset(packet, 'x', sizeof packet);
  put_string(packet + 5, topic);
  size_t length = PACKET_SIZE - 2;
  uint8_t *start = put_header(packet, 0x30, &length);
  uint64_t total = 0, messages;
  puts("ready");
  fflush(stdout);
  while (scanf("%lu", &messages) == 1) {
    double started = now_s();
    publish(fd, start, messages, &total);
    printf("%.6f\n", now_s() - started);
    fflush(stdout);
    for (size_t i = 0; i < reader_count; i++)
      if (received[i] != total) fail("reader %zu got %lu bytes of %lu", i, received[i], total);
  }
}
