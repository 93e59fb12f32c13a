#include "CMosquittoPlugin.h"

void paywall_broker_log(int level, const char *line) { mosquitto_log_printf(level, "%s", line); }
