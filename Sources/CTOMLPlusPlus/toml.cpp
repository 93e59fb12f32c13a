#include "CTOMLPlusPlus.h"

#include <new>
#include <stdexcept>
#include <string>

// Some mistakes, as a line "[[[a]]]", are caught by nothing but toml++'s assertions. They must be
// errors, in every build: an assertion that fails would end the broker, one that is left out would
// be worse.
#undef NDEBUG
#define TOML_ASSERT(condition) \
  do { \
    if (!(condition)) throw std::logic_error("a key or value begins with a wrong character"); \
  } while (false)
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

struct toml_document {
  toml::table root;
  bool failed = false;
  std::string error;
  uint32_t error_line = 0;
};

namespace {

const toml::node &of(const toml_node *node) {
  return *reinterpret_cast<const toml::node *>(node);
}

const toml_node *from(const toml::node &node) { return reinterpret_cast<const toml_node *>(&node); }

/// Days since 1970-01-01 in the proleptic Gregorian calendar
/// (http://howardhinnant.github.io/date_algorithms.html#days_from_civil).
int64_t days_since_epoch(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

}  // namespace

toml_document *toml_document_parse(const char *text, size_t length) {
  auto *document = new (std::nothrow) toml_document;
  if (!document) return nullptr;
  try {
    document->root = toml::parse(std::string_view(text, length));
  } catch (const toml::parse_error &error) {
    document->failed = true;
    document->error = error.description();
    document->error_line = error.source().begin.line;
  } catch (const std::exception &error) {
    document->failed = true;
    document->error = error.what();
  }
  return document;
}

void toml_document_free(toml_document *document) { delete document; }

const char *toml_document_error(const toml_document *document, uint32_t *line) {
  *line = document->error_line;
  return document->failed ? document->error.c_str() : nullptr;
}

const toml_node *toml_document_root(const toml_document *document) { return from(document->root); }

toml_kind toml_node_kind(const toml_node *node) {
  switch (of(node).type()) {
    case toml::node_type::table: return TOML_KIND_TABLE;
    case toml::node_type::array: return TOML_KIND_ARRAY;
    case toml::node_type::string: return TOML_KIND_STRING;
    case toml::node_type::integer: return TOML_KIND_INTEGER;
    case toml::node_type::floating_point: return TOML_KIND_FLOAT;
    case toml::node_type::boolean: return TOML_KIND_BOOLEAN;
    case toml::node_type::date_time:
      return of(node).as_date_time()->get().offset ? TOML_KIND_MOMENT : TOML_KIND_OTHER;
    default: return TOML_KIND_OTHER;
  }
}

uint32_t toml_node_line(const toml_node *node) { return of(node).source().begin.line; }

size_t toml_node_count(const toml_node *node) {
  if (const auto *table = of(node).as_table()) return table->size();
  if (const auto *array = of(node).as_array()) return array->size();
  return 0;
}

const toml_node *toml_node_at(const toml_node *node, size_t index) {
  if (const auto *array = of(node).as_array()) return from((*array)[index]);
  auto entry = of(node).as_table()->cbegin();
  std::advance(entry, index);
  return from(entry->second);
}

const char *toml_node_key(const toml_node *node, size_t index, size_t *length, uint32_t *line) {
  auto entry = of(node).as_table()->cbegin();
  std::advance(entry, index);
  *length = entry->first.str().size();
  *line = entry->first.source().begin.line;
  return entry->first.str().data();
}

const char *toml_node_string(const toml_node *node, size_t *length) {
  const std::string &value = of(node).as_string()->get();
  *length = value.size();
  return value.data();
}

int64_t toml_node_integer(const toml_node *node) { return of(node).as_integer()->get(); }

double toml_node_float(const toml_node *node) { return of(node).as_floating_point()->get(); }

bool toml_node_boolean(const toml_node *node) { return of(node).as_boolean()->get(); }

int64_t toml_node_moment_ms(const toml_node *node) {
  const toml::date_time &moment = of(node).as_date_time()->get();
  const int64_t days = days_since_epoch(moment.date.year, moment.date.month, moment.date.day);
  const int64_t minutes = moment.time.hour * 60 + moment.time.minute -
                          (moment.offset ? moment.offset->minutes : 0);
  return (days * 86400 + minutes * 60 + moment.time.second) * 1000 +
         moment.time.nanosecond / 1000000;
}
