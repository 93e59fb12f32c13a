// libmosquitto, for MQTT clients.
#include <mosquitto.h>
#include <mqtt_protocol.h>

// Speaks MQTT over websockets: since 2.1, where it was built with them.
static inline int mosquitto_use_websockets(struct mosquitto *client) {
#if LIBMOSQUITTO_VERSION_NUMBER >= 2001000
  return mosquitto_int_option(client, MOSQ_OPT_TRANSPORT, MOSQ_T_WEBSOCKETS);
#else
  (void)client;
  return MOSQ_ERR_NOT_SUPPORTED;
#endif
}
