#pragma once

#include <sqlite3.h>

/// Leaves the WAL alone when the connection is closed.
///
/// Without it, the last connection to close moves the WAL into the file.
/// https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfignockptonclose
static inline int csqlite_keep_wal_on_close(sqlite3 *db) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/// Runs no triggers for what this connection writes.
/// https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfigenabletrigger
static inline int csqlite_disable_triggers(sqlite3 *db) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)0);
}

/// Binds text, of which SQLite makes a copy.
///
/// `SQLITE_TRANSIENT` is a cast that Swift does not import.
static inline int csqlite_bind_text(
    sqlite3_stmt *statement, int position, const char *text, int count) {
  return sqlite3_bind_text(statement, position, text, count, SQLITE_TRANSIENT);
}
