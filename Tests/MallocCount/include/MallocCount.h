// Counts what a thread allocates on the heap, by defining the C library's functions anew.
#pragma once

/// How often this thread has called malloc, calloc, realloc and their like; -1 where a sanitizer has
/// its own.
long malloc_count(void);
