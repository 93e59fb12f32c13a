#include "FakeBroker.h"
