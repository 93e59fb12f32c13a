// toml++ (https://marzer.github.io/tomlplusplus/), read-only, for Swift.
//
// Its headers are compiled in: nothing of it is needed where the program runs.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct toml_document toml_document;
typedef struct toml_node toml_node;

typedef enum {
  TOML_KIND_TABLE,
  TOML_KIND_ARRAY,
  TOML_KIND_STRING,
  TOML_KIND_INTEGER,
  TOML_KIND_FLOAT,
  TOML_KIND_BOOLEAN,
  TOML_KIND_MOMENT,
  TOML_KIND_OTHER,
} toml_kind;

/// Parses a document; never NULL but for lack of memory. To be freed.
toml_document *toml_document_parse(const char *text, size_t length);
void toml_document_free(toml_document *document);

/// The reason of a syntax error and its line (0: not known), or NULL.
const char *toml_document_error(const toml_document *document, uint32_t *line);

/// Nodes live as long as their document.
const toml_node *toml_document_root(const toml_document *document);
toml_kind toml_node_kind(const toml_node *node);
uint32_t toml_node_line(const toml_node *node);

/// Of tables and arrays: how many there are, and the one at a position below that.
size_t toml_node_count(const toml_node *node);
const toml_node *toml_node_at(const toml_node *node, size_t index);
/// Of tables: the key at a position, in the order of the keys, and its line.
const char *toml_node_key(const toml_node *node, size_t index, size_t *length, uint32_t *line);

const char *toml_node_string(const toml_node *node, size_t *length);
int64_t toml_node_integer(const toml_node *node);
double toml_node_float(const toml_node *node);
bool toml_node_boolean(const toml_node *node);
/// A date and time with offset, in Unix milliseconds.
int64_t toml_node_moment_ms(const toml_node *node);

#ifdef __cplusplus
}
#endif
