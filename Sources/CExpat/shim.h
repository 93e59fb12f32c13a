// Expat, an XML parser.
#include <expat.h>
