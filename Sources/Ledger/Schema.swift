/// The tables and views of the ledger, as an admin reads them with `sqlite3`.
///
/// Times are Unix milliseconds UTC in columns named `…_at`, amounts are NANOS.
enum Schema {
  /// Counts up with each change; kept in `PRAGMA user_version`.
  static let version: Int64 = 5

  /// What tells a grant before the payment's checkpoint from one by which the seller assigns it.
  static let provisionalNote = "provisional: the payment is in no checkpoint yet"

  /// Tables, indexes and triggers.
  ///
  /// Which of several words a column holds is tested by `=`: for `IN` with more than two of them
  /// SQLite makes a table of its own, for each row it writes.
  static let tables = """
    -- What the ledger is: one row a key.
    CREATE TABLE meta (
      key   TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT;

    -- Every transaction that touched the seller's address, once; nothing is ever deleted.
    CREATE TABLE payments (
      digest     TEXT PRIMARY KEY,      -- names the money: base58, as explorers show it
      payer      TEXT,                  -- the sender's address
      verified   INTEGER NOT NULL,      -- 1: the sender's signature was checked here
      amount     INTEGER NOT NULL CHECK (amount >= 0),
      memo       TEXT,                  -- as it was written
      checkpoint INTEGER,               -- NULL: pending
      paid_at    INTEGER,               -- the checkpoint's time, never the payer's
      seen_at    INTEGER NOT NULL,      -- when this broker first saw it
      state      TEXT NOT NULL CHECK (state = 'confirmed' OR state = 'pending'
                   OR state = 'unclaimed' OR state = 'rejected'),
      reason     TEXT,                  -- why unclaimed or rejected
      account    TEXT,                  -- to whom it counts: NAME, buyer:NAME or 0x…
      offer      TEXT,                  -- for what it counts
      CHECK ((state = 'pending') = (checkpoint IS NULL)),
      CHECK ((checkpoint IS NULL) = (paid_at IS NULL)),
      CHECK ((state = 'confirmed') = (account IS NOT NULL AND offer IS NOT NULL))
    ) STRICT;
    CREATE INDEX payments_by_account ON payments (account, offer, checkpoint);
    CREATE INDEX payments_by_time ON payments (paid_at);
    CREATE INDEX payments_pending ON payments (seen_at) WHERE state = 'pending';
    CREATE TRIGGER payments_stay BEFORE DELETE ON payments
      BEGIN SELECT RAISE(ABORT, 'payments are never deleted'); END;

    -- Who has ever been paid for.
    CREATE TABLE accounts (
      username      TEXT PRIMARY KEY,
      kind          TEXT NOT NULL CHECK (kind = 'broker' OR kind = 'buyer' OR kind = 'wallet'),
      password_hash TEXT,               -- of buyers only
      created_at    INTEGER NOT NULL
    ) STRICT;

    -- Sealed memos that were opened: who claims which buyer's name, by which password.
    CREATE TABLE claims (
      payment       TEXT PRIMARY KEY REFERENCES payments (digest),
      username      TEXT NOT NULL,      -- buyer:NAME
      password_hash TEXT NOT NULL,
      offer         TEXT,               -- as the memo names it; NULL: it names none
      is_first      INTEGER NOT NULL CHECK (is_first IN (0, 1))  -- 1: the account is its
    ) STRICT;
    CREATE INDEX claims_by_username ON claims (username);
    CREATE UNIQUE INDEX claims_first ON claims (username) WHERE is_first = 1;

    -- What was paid and was too little to buy anything yet.
    CREATE TABLE credits (
      account TEXT NOT NULL,
      offer   TEXT NOT NULL,
      nanos   INTEGER NOT NULL CHECK (nanos >= 0),
      PRIMARY KEY (account, offer)
    ) STRICT;

    -- Every version of every offer that was ever in force; NULL until: until further notice.
    CREATE TABLE offers (
      id             INTEGER PRIMARY KEY,
      name           TEXT NOT NULL,
      position       INTEGER NOT NULL,  -- the order of the configuration
      topics         TEXT NOT NULL,     -- a JSON array of topic filters
      price          INTEGER NOT NULL CHECK (price > 0),
      per_ms         INTEGER NOT NULL CHECK (per_ms > 0),
      minimum_ms     INTEGER NOT NULL,
      clients        INTEGER NOT NULL,
      valid_from_at  INTEGER NOT NULL,
      valid_until_at INTEGER,
      UNIQUE (name, valid_from_at)
    ) STRICT;

    -- Access = (bought + granted + made_good) - revoked. Rows of an admin's own are welcome.
    CREATE TABLE grants (
      id        INTEGER PRIMARY KEY,
      account   TEXT NOT NULL,
      offer     TEXT NOT NULL,
      kind      TEXT NOT NULL CHECK (kind = 'bought' OR kind = 'granted'
                  OR kind = 'made_good' OR kind = 'revoked'),
      starts_at INTEGER NOT NULL,
      ends_at   INTEGER NOT NULL,       -- not included
      payment   TEXT REFERENCES payments (digest),
      version   INTEGER REFERENCES offers (id),  -- the terms; NULL: every version of the offer
      note      TEXT,
      CHECK (starts_at <= ends_at),
      CHECK ((kind = 'bought') <= (payment IS NOT NULL AND version IS NOT NULL))
    ) STRICT;
    CREATE INDEX grants_by_account ON grants (account, offer, ends_at);
    CREATE INDEX grants_by_end ON grants (ends_at);
    CREATE INDEX grants_by_version ON grants (version, ends_at)
      WHERE version IS NOT NULL AND kind <> 'revoked';
    CREATE INDEX grants_by_offer ON grants (offer, ends_at)
      WHERE version IS NULL AND kind <> 'revoked';
    CREATE INDEX grants_made_good ON grants (ends_at) WHERE kind = 'made_good';
    CREATE INDEX grants_provisional ON grants (payment)
      WHERE kind = 'granted' AND payment IS NOT NULL;

    -- Whose grants somebody other than the broker has changed, or, as ':logins', that passwords were;
    -- the broker takes them out.
    CREATE TABLE changes (
      id      INTEGER PRIMARY KEY,
      account TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER accounts_inserted AFTER INSERT ON accounts BEGIN
      INSERT INTO changes (account) VALUES (':logins');
    END;
    CREATE TRIGGER accounts_updated AFTER UPDATE ON accounts BEGIN
      INSERT INTO changes (account) VALUES (':logins');
    END;
    CREATE TRIGGER accounts_deleted AFTER DELETE ON accounts BEGIN
      INSERT INTO changes (account) VALUES (':logins');
    END;
    -- Before: REPLACE removes rows without a word, https://sqlite.org/lang_conflict.html.
    CREATE TRIGGER grants_inserting BEFORE INSERT ON grants BEGIN
      INSERT INTO changes (account) SELECT account FROM grants
        WHERE id = NEW.id;
    END;
    CREATE TRIGGER grants_inserted AFTER INSERT ON grants BEGIN
      INSERT INTO changes (account) VALUES (NEW.account);
    END;
    CREATE TRIGGER grants_updating BEFORE UPDATE ON grants BEGIN
      INSERT INTO changes (account) SELECT account FROM grants
        WHERE id IN (OLD.id, NEW.id);
    END;
    CREATE TRIGGER grants_updated AFTER UPDATE ON grants BEGIN
      INSERT INTO changes (account) VALUES (NEW.account);
    END;
    CREATE TRIGGER grants_deleted AFTER DELETE ON grants BEGIN
      INSERT INTO changes (account) VALUES (OLD.account);
    END;

    -- How far payments have been read, per network and address.
    CREATE TABLE sync (
      network    TEXT NOT NULL,
      address    TEXT NOT NULL,
      checkpoint INTEGER,               -- every transaction up to it is in payments
      since_at   INTEGER NOT NULL,      -- from this time on
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (network, address)
    ) STRICT;
    """

  static let views = """
    -- Who may read what now, and until when.
    CREATE VIEW access_now AS
      WITH
        clock (now) AS (
          SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
        given AS (SELECT * FROM grants WHERE kind <> 'revoked'),
        holders AS (
          SELECT DISTINCT g.account, g.offer, now FROM given g, clock
          WHERE g.starts_at <= now AND now < g.ends_at AND NOT EXISTS (
            SELECT 1 FROM grants r WHERE r.kind = 'revoked' AND r.account = g.account
              AND r.offer = g.offer AND r.starts_at <= now AND now < r.ends_at)),
        stops AS (
          SELECT h.account, h.offer, h.now, g.ends_at AS at FROM holders h
            JOIN given g ON g.account = h.account AND g.offer = h.offer AND g.ends_at > h.now
            WHERE NOT EXISTS (
              SELECT 1 FROM given n WHERE n.account = g.account AND n.offer = g.offer
                AND n.starts_at <= g.ends_at AND g.ends_at < n.ends_at)
          UNION ALL
          SELECT h.account, h.offer, h.now, r.starts_at FROM holders h
            JOIN grants r ON r.account = h.account AND r.offer = h.offer
              AND r.kind = 'revoked' AND r.starts_at > h.now AND r.starts_at < r.ends_at)
      SELECT account, offer,
        strftime('%Y-%m-%dT%H:%M:%fZ', min(at) / 1000.0, 'unixepoch') AS until,
        round((min(at) - now) / 1000.0, 3) AS seconds_left
      FROM stops GROUP BY account, offer ORDER BY account, offer;

    -- Everything that ever gave or took access, the newest first.
    CREATE VIEW access_log AS
      SELECT g.account, g.offer, g.kind,
        strftime('%Y-%m-%dT%H:%M:%fZ', g.starts_at / 1000.0, 'unixepoch') AS starts,
        strftime('%Y-%m-%dT%H:%M:%fZ', g.ends_at / 1000.0, 'unixepoch') AS ends,
        round((g.ends_at - g.starts_at) / 1000.0, 3) AS seconds,
        p.amount AS nanos, g.payment, g.note
      FROM grants g LEFT JOIN payments p ON p.digest = g.payment
      ORDER BY g.starts_at DESC, g.id DESC;

    -- What came in, by day (UTC); what is unclaimed is counted too. A sum of more than 64 bits would
    -- be an error, so whole IOTA and the rest are summed apart: iota is always exact.
    CREATE VIEW revenue_by_day AS
      SELECT strftime('%Y-%m-%d', paid_at / 1000, 'unixepoch') AS day,
        count(*) AS payments,
        sum(amount / 1000000000) * 1000000000 + sum(amount % 1000000000) AS nanos,
        printf('%d.%09d', sum(amount / 1000000000) + sum(amount % 1000000000) / 1000000000,
          sum(amount % 1000000000) % 1000000000) AS iota
      FROM payments WHERE state IN ('confirmed', 'unclaimed') GROUP BY day ORDER BY day DESC;

    -- Payments that the seller has to assign or refund; those assigned have a row in grants.
    CREATE VIEW unclaimed_payments AS
      SELECT strftime('%Y-%m-%dT%H:%M:%fZ', paid_at / 1000.0, 'unixepoch') AS paid,
        amount AS nanos, payer, reason, memo, digest
      FROM payments WHERE state = 'unclaimed' AND NOT EXISTS (
        SELECT 1 FROM grants
        WHERE payment = payments.digest AND kind = 'granted' AND note IS NOT '\(provisionalNote)')
      ORDER BY paid_at DESC;
    """
}
