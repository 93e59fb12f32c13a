// A plugin that decides by the first letter of the user name: what any plugin costs at least. The
// benchmark lets nobody in without a name. With any option it has an idle thread too: from then on
// the C library guards its memory and its system calls, which every delivery pays for.
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <pthread.h>
#include <unistd.h>

static int check(int event, void *data, void *userdata) {
  (void)event, (void)userdata;
  const struct mosquitto_evt_acl_check *asked = data;
  const char *name = mosquitto_client_username(asked->client);
  return asked->access == MOSQ_ACL_READ && name[0] == 's' ? MOSQ_ERR_ACL_DENIED : MOSQ_ERR_SUCCESS;
}

static void *idle(void *unused) {
  for (;;) pause();
  return unused;
}

int mosquitto_plugin_version(int count, const int *versions) {
  (void)count, (void)versions;
  return 5;
}

int mosquitto_plugin_init(
  mosquitto_plugin_id_t *plugin, void **userdata, struct mosquitto_opt *options, int count) {
  (void)userdata, (void)options;
  pthread_t thread;
  if (count > 0 && pthread_create(&thread, NULL, idle, NULL)) return MOSQ_ERR_UNKNOWN;
  return mosquitto_callback_register(plugin, MOSQ_EVT_ACL_CHECK, check, NULL, NULL);
}

int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int count) {
  (void)userdata, (void)options, (void)count;
  return MOSQ_ERR_SUCCESS;
}
