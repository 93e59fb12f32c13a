PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
INSERT INTO meta VALUES('born_at','1795693102392');
INSERT INTO meta VALUES('secret_fingerprint','93a676efc359b80302109d0aabd4f964');
INSERT INTO meta VALUES('offers_from','1795693102392');
INSERT INTO meta VALUES('alive_at','1795693117850');
INSERT INTO meta VALUES('opened_at','1795700000000');
CREATE TABLE payments (
  digest     TEXT PRIMARY KEY,      -- names the money: base58, as explorers show it
  payer      TEXT,                  -- the sender's address
  verified   INTEGER NOT NULL,      -- 1: the sender's signature was checked here
  amount     INTEGER NOT NULL CHECK (amount >= 0),
  memo       TEXT,                  -- as it was written
  checkpoint INTEGER,               -- NULL: pending
  paid_at    INTEGER,               -- the checkpoint's time, never the payer's
  seen_at    INTEGER NOT NULL,      -- when this broker first saw it
  state      TEXT NOT NULL CHECK (state IN ('confirmed','pending','unclaimed','rejected')),
  reason     TEXT,                  -- why unclaimed or rejected
  account    TEXT,                  -- to whom it counts: NAME, buyer:NAME or 0x…
  offer      TEXT,                  -- for what it counts
  CHECK ((state = 'pending') = (checkpoint IS NULL)),
  CHECK ((checkpoint IS NULL) = (paid_at IS NULL)),
  CHECK ((state = 'confirmed') = (account IS NOT NULL AND offer IS NOT NULL))
) STRICT;
INSERT INTO payments VALUES('7kE5KHPb3PHzRwywwDPGLn7j6p9RgaSas7JmbRaC9rZJ','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,500000,'{"username":"johndoe"}',18,1795693104623,1795693107636,'confirmed',NULL,'johndoe','live');
INSERT INTO payments VALUES('7e6xWhF1pg8DZGUGwGkD5zDZxCo3r6ifiFF4tZtYeb4T','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,250000,'{"offer":"history","username":"johndoe"}',21,1795693105375,1795693107636,'confirmed',NULL,'johndoe','history');
INSERT INTO payments VALUES('273yAF9EQ3WQRuYaWXTc62XFwCX4djH5hFQZnMPUBLvM','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,100,'{"username":"tim"}',24,1795693106126,1795693107636,'confirmed',NULL,'tim','live');
INSERT INTO payments VALUES('8LYV6c8TWdbhncRFZT4fK8xSYopLNuYFzhKY7aCQbi2B','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,700000,NULL,27,1795693106876,1795693107636,'confirmed',NULL,'0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb','live');
INSERT INTO payments VALUES('CkbWLXpUGGyyeWs86LPhgK9aM3hEYG8aexo3j6znstYY','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,5,'{"offer":"none","username":"a"}',30,1795693107627,1795693107636,'unclaimed','the memo''s offer was not sold at the time',NULL,NULL);
INSERT INTO payments VALUES('8faDABDwS9cRLqDMk4PWKanP7FGkyRDm6rjKVX8zj55h','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,500000,'{"sealed":"AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8"}',33,1795693108378,1795693112629,'confirmed',NULL,'0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb','live');
INSERT INTO payments VALUES('3XnFK9DD8GN2UL6YsXbL8iLMtq22wJ6JAdmE1ZEjQdQD','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,500000,'{"username":"buyer:jane"}',36,1795693109129,1795693112629,'confirmed',NULL,'buyer:jane','live');
INSERT INTO payments VALUES('9mXbUQjvKZ5iVLbYgsbFd8kEo1YzvVWoTQeJtnyN4Ey7','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,500000,'{"sealed":"EBESExQVFhcYGRobHB0eHw"}',39,1795693110129,1795693112629,'confirmed',NULL,'buyer:jill','live');
INSERT INTO payments VALUES('4FrX7cLdyBfCvDJWr6aTAAcPBeqmvNL3LCk7zKWdvYBd','0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb',1,700000,'{"offer":"history","username":"tim"}',42,1795693111129,1795693112629,'unclaimed','the memo''s offer was not sold at the time',NULL,NULL);
INSERT INTO payments VALUES('4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi','0x0707070707070707070707070707070707070707070707070707070707070707',1,500000,'{"username":"johndoe"}',NULL,NULL,1795700000500,'pending',NULL,NULL,NULL);
CREATE TABLE accounts (
  username      TEXT PRIMARY KEY,
  kind          TEXT NOT NULL CHECK (kind IN ('broker','buyer','wallet')),
  password_hash TEXT,               -- of buyers only
  created_at    INTEGER NOT NULL
) STRICT;
INSERT INTO accounts VALUES('johndoe','broker',NULL,1795693107636);
INSERT INTO accounts VALUES('tim','broker',NULL,1795693107636);
INSERT INTO accounts VALUES('0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb','wallet',NULL,1795693107636);
INSERT INTO accounts VALUES('buyer:jane','buyer',NULL,1795693112629);
INSERT INTO accounts VALUES('buyer:jill','buyer','abababababababababababababababababababababababababababababababab',1795693112629);
CREATE TABLE claims (
  payment       TEXT PRIMARY KEY REFERENCES payments (digest),
  username      TEXT NOT NULL,      -- buyer:NAME
  password_hash TEXT NOT NULL,
  offer         TEXT,               -- as the memo names it; NULL: it names none
  is_first      INTEGER NOT NULL CHECK (is_first IN (0, 1))  -- 1: the account is its
) STRICT;
INSERT INTO claims VALUES('9mXbUQjvKZ5iVLbYgsbFd8kEo1YzvVWoTQeJtnyN4Ey7','buyer:jill','abababababababababababababababababababababababababababababababab',NULL,1);
CREATE TABLE credits (
  account TEXT NOT NULL,
  offer   TEXT NOT NULL,
  nanos   INTEGER NOT NULL CHECK (nanos >= 0),
  PRIMARY KEY (account, offer)
) STRICT;
INSERT INTO credits VALUES('tim','live',100);
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
INSERT INTO offers VALUES(1,'live',0,'["sensor/live"]',500000,3600000,1000,0,1795693102392,NULL);
INSERT INTO offers VALUES(2,'history',1,'["history/#"]',500000,1800000,1000,0,1795693102392,NULL);
CREATE TABLE grants (
  id        INTEGER PRIMARY KEY,
  account   TEXT NOT NULL,
  offer     TEXT NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('bought','granted','made_good','revoked')),
  starts_at INTEGER NOT NULL,
  ends_at   INTEGER NOT NULL,       -- not included
  payment   TEXT REFERENCES payments (digest),
  version   INTEGER REFERENCES offers (id),  -- the terms; NULL: every version of the offer
  note      TEXT,
  CHECK (starts_at <= ends_at),
  CHECK ((kind = 'bought') <= (payment IS NOT NULL AND version IS NOT NULL))
) STRICT;
INSERT INTO grants VALUES(1,'0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb','live','bought',1795693106876,1795698146876,'8LYV6c8TWdbhncRFZT4fK8xSYopLNuYFzhKY7aCQbi2B',1,NULL);
INSERT INTO grants VALUES(2,'johndoe','live','bought',1795693104623,1795696704623,'7kE5KHPb3PHzRwywwDPGLn7j6p9RgaSas7JmbRaC9rZJ',1,NULL);
INSERT INTO grants VALUES(3,'johndoe','history','bought',1795693105375,1795694005375,'7e6xWhF1pg8DZGUGwGkD5zDZxCo3r6ifiFF4tZtYeb4T',2,NULL);
INSERT INTO grants VALUES(4,'friend','live','granted',1795693099824,1795779509824,NULL,NULL,'a day on the house');
INSERT INTO grants VALUES(5,'0x0c37186fe31bd5d92d6d123dab229dc61bfa4fdc10bde85864117a4989d8edbb','live','bought',1795698146876,1795701746876,'8faDABDwS9cRLqDMk4PWKanP7FGkyRDm6rjKVX8zj55h',1,NULL);
INSERT INTO grants VALUES(6,'buyer:jane','live','bought',1795693109129,1795696709129,'3XnFK9DD8GN2UL6YsXbL8iLMtq22wJ6JAdmE1ZEjQdQD',1,NULL);
INSERT INTO grants VALUES(7,'buyer:jill','live','bought',1795693110129,1795696710129,'9mXbUQjvKZ5iVLbYgsbFd8kEo1YzvVWoTQeJtnyN4Ey7',1,NULL);
INSERT INTO grants VALUES(8,'tim','history','granted',1795693110629,1795693112629,'4FrX7cLdyBfCvDJWr6aTAAcPBeqmvNL3LCk7zKWdvYBd',2,'provisional: the payment is in no checkpoint yet');
INSERT INTO grants VALUES(9,'tim','history','granted',1795700000000,1795702520000,'4FrX7cLdyBfCvDJWr6aTAAcPBeqmvNL3LCk7zKWdvYBd',2,'assigned: 0.0007 IOTA; by mail');
INSERT INTO grants VALUES(10,'johndoe','live','granted',1795700000500,1795700120500,'4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi',1,'provisional: the payment is in no checkpoint yet');
CREATE TABLE changes (
  id      INTEGER PRIMARY KEY,
  account TEXT NOT NULL
) STRICT;
INSERT INTO changes VALUES(1,'tim');
CREATE TABLE sync (
  network    TEXT NOT NULL,
  address    TEXT NOT NULL,
  checkpoint INTEGER,               -- every transaction up to it is in payments
  since_at   INTEGER NOT NULL,      -- from this time on
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (network, address)
) STRICT;
INSERT INTO sync VALUES('59e68836','0xcec91408532e7d4dfd458eb878fce56d01ac8ef9cdc0edd79980ee1e8f3767bc',39,1795693102392,1795693112629);
INSERT INTO sync VALUES('n','0x0000000000000000000000000000000000000000000000000000000000000000',300,0,1795700000500);
CREATE INDEX payments_by_account ON payments (account, offer, checkpoint);
CREATE INDEX payments_by_time ON payments (paid_at);
CREATE INDEX payments_pending ON payments (seen_at) WHERE state = 'pending';
CREATE TRIGGER payments_stay BEFORE DELETE ON payments
  BEGIN SELECT RAISE(ABORT, 'payments are never deleted'); END;
CREATE INDEX claims_by_username ON claims (username);
CREATE UNIQUE INDEX claims_first ON claims (username) WHERE is_first = 1;
CREATE INDEX grants_by_account ON grants (account, offer, ends_at);
CREATE INDEX grants_by_end ON grants (ends_at);
CREATE INDEX grants_by_version ON grants (version, ends_at)
  WHERE version IS NOT NULL AND kind <> 'revoked';
CREATE INDEX grants_by_offer ON grants (offer, ends_at)
  WHERE version IS NULL AND kind <> 'revoked';
CREATE INDEX grants_made_good ON grants (ends_at) WHERE kind = 'made_good';
CREATE INDEX grants_provisional ON grants (payment)
  WHERE kind = 'granted' AND payment IS NOT NULL;
CREATE TRIGGER accounts_inserted AFTER INSERT ON accounts BEGIN
  INSERT INTO changes (account) VALUES (':logins');
END;
CREATE TRIGGER accounts_updated AFTER UPDATE ON accounts BEGIN
  INSERT INTO changes (account) VALUES (':logins');
END;
CREATE TRIGGER accounts_deleted AFTER DELETE ON accounts BEGIN
  INSERT INTO changes (account) VALUES (':logins');
END;
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
CREATE VIEW access_log AS
  SELECT g.account, g.offer, g.kind,
    strftime('%Y-%m-%dT%H:%M:%fZ', g.starts_at / 1000.0, 'unixepoch') AS starts,
    strftime('%Y-%m-%dT%H:%M:%fZ', g.ends_at / 1000.0, 'unixepoch') AS ends,
    round((g.ends_at - g.starts_at) / 1000.0, 3) AS seconds,
    p.amount AS nanos, g.payment, g.note
  FROM grants g LEFT JOIN payments p ON p.digest = g.payment
  ORDER BY g.starts_at DESC, g.id DESC;
CREATE VIEW unclaimed_payments AS
  SELECT strftime('%Y-%m-%dT%H:%M:%fZ', paid_at / 1000.0, 'unixepoch') AS paid,
    amount AS nanos, payer, reason, memo, digest
  FROM payments WHERE state = 'unclaimed' AND NOT EXISTS (
    SELECT 1 FROM grants
    WHERE payment = payments.digest AND kind = 'granted' AND note IS NOT 'provisional: the payment is in no checkpoint yet')
  ORDER BY paid_at DESC;
CREATE VIEW revenue_by_day AS
  SELECT strftime('%Y-%m-%d', paid_at / 1000, 'unixepoch') AS day,
    count(*) AS payments,
    sum(amount / 1000000000) * 1000000000 + sum(amount % 1000000000) AS nanos,
    printf('%d.%09d', sum(amount / 1000000000) + sum(amount % 1000000000) / 1000000000,
      sum(amount % 1000000000) % 1000000000) AS iota
  FROM payments WHERE state IN ('confirmed', 'unclaimed') GROUP BY day ORDER BY day DESC;
COMMIT;
PRAGMA user_version = 4;
