#define _GNU_SOURCE
#include "FakeBroker.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 32 };

struct mosquitto_plugin_id_t {
  struct {
    MOSQ_FUNC_generic_callback callback;
    void *userdata;
  } registered[EVENTS];
};

struct fake_broker {
  mosquitto_plugin_id_t identifier;
};

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char *log_text;
static size_t log_length;

fake_broker *fake_broker_new(void) { return calloc(1, sizeof(fake_broker)); }

void fake_broker_free(fake_broker *broker) {
  fake_broker_message message;
  while (fake_broker_take_message(&message)) {
    free(message.client_id);
    free(message.topic);
    free(message.payload);
  }
  free(broker);
}

mosquitto_plugin_id_t *fake_broker_identifier(fake_broker *broker) { return &broker->identifier; }

int fake_broker_callback_count(const fake_broker *broker) {
  int count = 0;
  for (int event = 0; event < EVENTS; event++) {
    count += broker->identifier.registered[event].callback != NULL;
  }
  return count;
}

int fake_broker_call(fake_broker *broker, int event, void *event_data) {
  if (event < 0 || event >= EVENTS || !broker->identifier.registered[event].callback) return -1;
  return broker->identifier.registered[event].callback(
      event, event_data, broker->identifier.registered[event].userdata);
}

char *fake_broker_log(void) {
  pthread_mutex_lock(&log_lock);
  char *copy = strndup(log_text ? log_text : "", log_length);
  pthread_mutex_unlock(&log_lock);
  return copy;
}

// What a plugin calls.

int mosquitto_callback_register(
    mosquitto_plugin_id_t *identifier, int event, MOSQ_FUNC_generic_callback callback,
    const void *event_data, void *userdata) {
  (void)event_data;
  if (event < 0 || event >= EVENTS) return MOSQ_ERR_NOT_SUPPORTED;
  if (identifier->registered[event].callback) return MOSQ_ERR_ALREADY_EXISTS;
  identifier->registered[event].callback = callback;
  identifier->registered[event].userdata = userdata;
  return MOSQ_ERR_SUCCESS;
}

int mosquitto_callback_unregister(
    mosquitto_plugin_id_t *identifier, int event, MOSQ_FUNC_generic_callback callback,
    const void *event_data) {
  (void)event_data;
  if (event < 0 || event >= EVENTS || identifier->registered[event].callback != callback) {
    return MOSQ_ERR_NOT_FOUND;
  }
  identifier->registered[event].callback = NULL;
  return MOSQ_ERR_SUCCESS;
}

void mosquitto_log_printf(int level, const char *format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);

  pthread_mutex_lock(&log_lock);
  size_t length = strlen(line);
  char *text = realloc(log_text, log_length + length + 16);
  if (text) {
    log_text = text;
    log_length += (size_t)sprintf(log_text + log_length, "%d %s\n", level, line);
  }
  pthread_mutex_unlock(&log_lock);
}

const char *mosquitto_client_id(const struct mosquitto *client) { return client->id; }

const char *mosquitto_client_username(const struct mosquitto *client) { return client->username; }

const char *mosquitto_client_address(const struct mosquitto *client) { return client->address; }

int mosquitto_client_protocol_version(const struct mosquitto *client) {
  return client->protocol_version;
}

bool mosquitto_client_clean_session(const struct mosquitto *client) { return client->clean_session; }

void *mosquitto_client_certificate(const struct mosquitto *client) {
  // An empty one of OpenSSL's, which curl brings; the plugin gives it back.
  void *(*make)(void) = (void *(*)(void))dlsym(RTLD_DEFAULT, "X509_new");
  return client->has_certificate && make ? make() : NULL;
}

static _Thread_local char last_kicked[256];

const char *fake_broker_last_kicked(void) { return last_kicked; }

static _Thread_local fake_broker_kick kick;
static _Thread_local void *kick_context;

void fake_broker_on_kick(fake_broker_kick new_kick, void *context) {
  kick = new_kick;
  kick_context = context;
}

int mosquitto_kick_client_by_clientid(const char *client_id, bool with_will) {
  (void)with_will;
  snprintf(last_kicked, sizeof last_kicked, "%s", client_id ? client_id : "EVERYBODY");
  return kick && client_id ? kick(client_id, kick_context) : MOSQ_ERR_SUCCESS;
}

int mosquitto_set_username(struct mosquitto *client, const char *username) {
  free(client->own_username);
  client->own_username = strdup(username);
  client->username = client->own_username;
  return MOSQ_ERR_SUCCESS;
}

enum { MESSAGES = 4096 };

static _Thread_local fake_broker_message messages[MESSAGES];
static _Thread_local size_t message_count;

int mosquitto_broker_publish_copy(
    const char *client_id, const char *topic, int length, const void *payload, int qos, bool retain,
    mosquitto_property *properties) {
  (void)properties;
  if (!topic || length < 0 || qos < 0 || qos > 2) return MOSQ_ERR_INVAL;
  if (message_count == MESSAGES) return MOSQ_ERR_NOMEM;
  messages[message_count++] = (fake_broker_message){
      .client_id = client_id ? strdup(client_id) : NULL,
      .topic = strdup(topic),
      .payload = strndup(payload ? payload : "", (size_t)length),
      .retain = retain,
  };
  return MOSQ_ERR_SUCCESS;
}

bool fake_broker_take_message(fake_broker_message *message) {
  if (message_count == 0) return false;
  *message = messages[0];
  message_count--;
  memmove(messages, messages + 1, message_count * sizeof *messages);
  return true;
}
