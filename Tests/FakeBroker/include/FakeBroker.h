// As much of a broker as a plugin needs to be tested in-process: it defines the broker's functions,
// remembers what the plugin registers, and calls it back.
#pragma once

#include <CMosquittoPlugin.h>

/// A client, as the broker knows it.
struct mosquitto {
  const char *id;
  const char *username;
  const char *address;
  int protocol_version;
  bool clean_session;
  /// Whether it has shown a TLS certificate, over a connection that lasts.
  bool has_certificate;
  /// What mosquitto_set_username has set last; freed with the client.
  char *own_username;
};

typedef struct fake_broker fake_broker;

fake_broker *fake_broker_new(void);
void fake_broker_free(fake_broker *broker);
mosquitto_plugin_id_t *fake_broker_identifier(fake_broker *broker);

/// How many callbacks are registered.
int fake_broker_callback_count(const fake_broker *broker);
/// Calls what is registered for an event; -1 where nothing is.
int fake_broker_call(fake_broker *broker, int event, void *event_data);

/// The client id that was kicked last; "" where none was.
const char *fake_broker_last_kicked(void);

/// What this thread's brokers do where a client id is kicked, and answer; NULL: nothing.
typedef int (*fake_broker_kick)(const char *client_id, void *context);
void fake_broker_on_kick(fake_broker_kick kick, void *context);

/// A message that a plugin has published.
typedef struct {
  /// The one client that it is for; NULL: all subscribers.
  char *client_id;
  char *topic;
  char *payload;
  bool retain;
} fake_broker_message;

/// Takes the oldest message that plugins on this thread have published, its strings to be freed; false
/// where there is none.
bool fake_broker_take_message(fake_broker_message *message);

/// Takes the log of all brokers of this process, lines separated by '\n'; to be freed.
char *fake_broker_log(void);
