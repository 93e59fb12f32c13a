PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
INSERT INTO meta VALUES('born_at','1795488825011');
INSERT INTO meta VALUES('opened_at','1795488825011');
INSERT INTO meta VALUES('secret_fingerprint','1499d161601c3348ffb419b9426960e0');
INSERT INTO meta VALUES('offers_from','1795488825011');
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
INSERT INTO payments VALUES('EyZxxP28PJ5LKAxgmMAPADE4JUEZrhoF6GPaADWsuNvD','0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909',1,500000,'{"username":"johndoe"}',8,1795488825691,1795488830030,'confirmed',NULL,'johndoe','offer-998');
INSERT INTO payments VALUES('D16Ba7pho2tVfKSTonRtBr1EpvQUuF6Eqo4XyLMquXb1','0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909',1,250000,'{"offer":"offer-999","username":"johndoe"}',10,1795488826203,1795488830030,'confirmed',NULL,'johndoe','offer-999');
INSERT INTO payments VALUES('6mTieGtdDtsfJvjx74ywaYKM6dXswrnhMYEQHmKCk6bU','0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909',1,100,'{"username":"tim"}',12,1795488826779,1795488830030,'confirmed',NULL,'tim','offer-998');
INSERT INTO payments VALUES('5sxXqH2riPfHgWQcdYtEA4Cd3BSdojH2htACuGit1wyn','0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909',1,700000,NULL,14,1795488827325,1795488830030,'confirmed',NULL,'0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909','offer-998');
INSERT INTO payments VALUES('FzYUpEb8nT2NCqpbuwKA8ygdP7a2TshY9X7KDdmSynyF','0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909',1,5,'{"offer":"none","username":"a"}',16,1795488827871,1795488830030,'unclaimed','the memo''s offer was not sold at the time',NULL,NULL);
INSERT INTO payments VALUES('CYfWkbJp8v23TF3eCJCuCdW28knmtpnpEcZDiC1UmzKS','0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909',1,500000,'{"username":"johndoe"}',18,1795488828431,1795488830030,'confirmed',NULL,'johndoe','offer-998');
CREATE TABLE accounts (
  username      TEXT PRIMARY KEY,
  kind          TEXT NOT NULL CHECK (kind IN ('broker','buyer','wallet')),
  password_hash TEXT,               -- of buyers only
  created_at    INTEGER NOT NULL
) STRICT;
INSERT INTO accounts VALUES('johndoe','broker',NULL,1795488830030);
INSERT INTO accounts VALUES('tim','broker',NULL,1795488830030);
INSERT INTO accounts VALUES('0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909','wallet',NULL,1795488830030);
CREATE TABLE credits (
  account TEXT NOT NULL,
  offer   TEXT NOT NULL,
  nanos   INTEGER NOT NULL CHECK (nanos >= 0),
  PRIMARY KEY (account, offer)
) STRICT;
INSERT INTO credits VALUES('tim','offer-998',100);
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
INSERT INTO offers VALUES(1,'offer-998',0,'["sensors/0998/power"]',500000,3600000,1000,0,1795488825011,NULL);
INSERT INTO offers VALUES(2,'offer-999',1,'["sensors/0999/power"]',500000,3600000,1000,0,1795488825011,NULL);
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
INSERT INTO grants VALUES(1,'johndoe','offer-999','bought',1795488826203,1795490626203,'D16Ba7pho2tVfKSTonRtBr1EpvQUuF6Eqo4XyLMquXb1',2,NULL);
INSERT INTO grants VALUES(2,'0xd8a9c1493ca9b5aa8da1a22ae091786337d15b586d460121533db29cd2e35909','offer-998','bought',1795488827325,1795493867325,'5sxXqH2riPfHgWQcdYtEA4Cd3BSdojH2htACuGit1wyn',1,NULL);
INSERT INTO grants VALUES(3,'johndoe','offer-998','bought',1795488825691,1795492425691,'EyZxxP28PJ5LKAxgmMAPADE4JUEZrhoF6GPaADWsuNvD',1,NULL);
INSERT INTO grants VALUES(4,'johndoe','offer-998','bought',1795492425691,1795496025691,'CYfWkbJp8v23TF3eCJCuCdW28knmtpnpEcZDiC1UmzKS',1,NULL);
INSERT INTO grants VALUES(5,'friend','offer-999','granted',1795488770242,1795575230242,NULL,NULL,NULL);
INSERT INTO grants VALUES(6,'friend','offer-999','revoked',1795575229242,1795575230242,NULL,NULL,'an hour less');
CREATE TABLE changes (
  id      INTEGER PRIMARY KEY,
  account TEXT NOT NULL
) STRICT;
CREATE TABLE sync (
  network    TEXT NOT NULL,
  address    TEXT NOT NULL,
  checkpoint INTEGER,               -- every transaction up to it is in payments
  since_at   INTEGER NOT NULL,      -- from this time on
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (network, address)
) STRICT;
INSERT INTO sync VALUES('0123abcd','0x6ca5d1aa11039ce851f491bc30156f3aec5ac18b188b11a56c58783ccb7b0123',18,1795488825011,1795488830030);
CREATE INDEX payments_by_account ON payments (account, offer, checkpoint);
CREATE INDEX payments_by_time ON payments (paid_at);
CREATE INDEX payments_pending ON payments (seen_at) WHERE state = 'pending';
CREATE TRIGGER payments_stay BEFORE DELETE ON payments
  BEGIN SELECT RAISE(ABORT, 'payments are never deleted'); END;
CREATE UNIQUE INDEX grants_once ON grants (payment) WHERE kind = 'bought';
CREATE INDEX grants_by_account ON grants (account, offer, ends_at);
CREATE INDEX grants_by_end ON grants (ends_at);
CREATE INDEX grants_by_version ON grants (version, ends_at)
  WHERE version IS NOT NULL AND kind <> 'revoked';
CREATE INDEX grants_by_offer ON grants (offer, ends_at)
  WHERE version IS NULL AND kind <> 'revoked';
CREATE TRIGGER grants_inserting BEFORE INSERT ON grants BEGIN
  INSERT INTO changes (account) SELECT account FROM grants
    WHERE id = NEW.id;
  INSERT INTO changes (account) SELECT account FROM grants
    WHERE kind = 'bought' AND payment = NEW.payment;
END;
CREATE TRIGGER grants_inserted AFTER INSERT ON grants BEGIN
  INSERT INTO changes (account) VALUES (NEW.account);
END;
CREATE TRIGGER grants_updating BEFORE UPDATE ON grants BEGIN
  INSERT INTO changes (account) SELECT account FROM grants
    WHERE id IN (OLD.id, NEW.id);
  INSERT INTO changes (account) SELECT account FROM grants
    WHERE kind = 'bought' AND payment = NEW.payment;
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
CREATE VIEW revenue_by_day AS
  SELECT strftime('%Y-%m-%d', paid_at / 1000, 'unixepoch') AS day,
    count(*) AS payments, sum(amount) AS nanos,
    printf('%d.%09d', sum(amount) / 1000000000, sum(amount) % 1000000000) AS iota
  FROM payments WHERE state IN ('confirmed', 'unclaimed') GROUP BY day ORDER BY day DESC;
CREATE VIEW unclaimed_payments AS
  SELECT strftime('%Y-%m-%dT%H:%M:%fZ', paid_at / 1000.0, 'unixepoch') AS paid,
    amount AS nanos, payer, reason, memo, digest
  FROM payments WHERE state = 'unclaimed' ORDER BY paid_at DESC;
COMMIT;
PRAGMA user_version = 1;
