// libmosquitto, for MQTT clients.
#include <mosquitto.h>
#include <mqtt_protocol.h>
