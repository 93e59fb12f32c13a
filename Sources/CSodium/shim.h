// libsodium. Linked by IOTACrypto, statically.
#include <sodium.h>
