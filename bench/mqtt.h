// The little of MQTT 3.1.1 that a load client needs, on blocking sockets.
// Packets: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html, chapter 3.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct user {
  char name[128];
  char password[512];
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static inline double now_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/// Reads a file of lines "name password"; gives their number.
static inline size_t read_users(const char *path, struct user **users) {
  FILE *file = fopen(path, "r");
  if (!file) fail("%s: %s", path, strerror(errno));
  size_t count = 0;
  *users = NULL;
  for (;;) {
    struct user *grown = realloc(*users, (count + 1) * sizeof **users);
    if (!grown) fail("out of memory");
    *users = grown;
    if (fscanf(file, "%127s %511s", grown[count].name, grown[count].password) != 2) break;
    count++;
  }
  fclose(file);
  if (count == 0) fail("%s: a line 'name password' is missing", path);
  return count;
}

static inline int dial(int port, int type) {
  int fd = socket(AF_INET, type, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0) fail("socket: %s", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
    fail("127.0.0.1:%d: %s", port, strerror(errno));
  return fd;
}

static inline uint8_t *put_string(uint8_t *end, const char *text) {
  size_t length = strlen(text);
  *end++ = length >> 8;
  *end++ = length;
  return (uint8_t *)memcpy(end, text, length) + length;
}

/// Puts the fixed header before `length` bytes that begin at packet + 5; gives the packet's start.
static inline uint8_t *put_header(uint8_t *packet, uint8_t type, size_t *length) {
  uint8_t header[5] = {type};
  size_t size = 1, rest = *length;
  do {
    header[size++] = (rest & 127) | (rest > 127 ? 128 : 0);
  } while (rest >>= 7);
  *length += size;
  return memcpy(packet + 5 - size, header, size);
}

static inline void send_packet(int fd, uint8_t *packet, uint8_t type, size_t length) {
  uint8_t *start = put_header(packet, type, &length);
  if (send(fd, start, length, MSG_NOSIGNAL) != (ssize_t)length)
    fail("send: %s", strerror(errno));
}

static inline void send_connect(int fd, const char *client_id, const struct user *user) {
  static uint8_t packet[1024];
  uint8_t *end = put_string(packet + 5, "MQTT");
  // Level 4; user name, password and clean session; no keep-alive.
  end = (uint8_t *)memcpy(end, "\4\302\0\0", 4) + 4;
  end = put_string(end, client_id);
  end = put_string(end, user->name);
  end = put_string(end, user->password);
  send_packet(fd, packet, 0x10, end - packet - 5);
}

static inline void send_subscribe(int fd, const char *filter) {
  static uint8_t packet[512];
  packet[5] = 0;
  packet[6] = 1;
  uint8_t *end = put_string(packet + 7, filter);
  *end++ = 0;
  send_packet(fd, packet, 0x82, end - packet - 5);
}

/// Waits for an acknowledgement of `size` bytes, whose last one has to be `code`.
static inline void await_answer(int fd, size_t size, int code, const char *what) {
  uint8_t answer[8];
  if (recv(fd, answer, size, MSG_WAITALL) != (ssize_t)size) fail("%s: no answer", what);
  if (answer[size - 1] != code) fail("%s: answered with code %d", what, answer[size - 1]);
}

/// The same, where that code has to be 0.
static inline void await_success(int fd, size_t size, const char *what) {
  await_answer(fd, size, 0, what);
}
