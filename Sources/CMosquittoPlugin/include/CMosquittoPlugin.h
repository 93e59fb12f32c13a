// The broker's plugin API, as Debian's mosquitto-dev and libmosquitto-dev declare it.
//
// Only headers: the functions are the broker's own and are resolved when it loads the plugin.
#pragma once

// Mosquitto 2.0.11's mosquitto_plugin.h needs the two others before it.
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

/// Writes one line to the broker's log; `mosquitto_log_printf` is variadic, so Swift cannot call it.
void paywall_broker_log(int level, const char *line);
