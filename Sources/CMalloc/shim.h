// The allocator's own functions, which Swift's Glibc module leaves out.
#pragma once

#include <malloc.h>
