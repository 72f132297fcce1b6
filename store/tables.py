"""The tables. Migrations in store/migrations create them; a test holds the two together."""

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

streams = Table(
    "streams",
    metadata,
    Column("name", String, primary_key=True),
    Column("source", Text, nullable=False),
    Column("shop", String, nullable=False, default="", index=True),
    Column("host", String, nullable=False, default=""),
    Column("room", String, nullable=False, default=""),
    Column("title", Text, nullable=False, default=""),
    Column("product", String, nullable=False, default=""),
    Column("created_at", String, nullable=False),
    Column("ended_at", String),
)

epochs = Table(
    "epochs",
    metadata,
    Column("stream", ForeignKey("streams.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("offset_ms", Integer, nullable=False),
    Column("pts_origin_ms", Integer, nullable=False, default=0),
    Column("wall_start", String, nullable=False),
    Column("source", Text, nullable=False),
    Column("video_codec", String, nullable=False, default=""),
    Column("audio_codec", String, nullable=False, default=""),
    Column("content_sha256", String, nullable=False, default="", index=True),
    Column("complete", Integer, nullable=False, default=0),
    # Everything before this stream time is transcribed, judged and stored.
    Column("transcribed_ms", Integer, nullable=False, default=0),
)

segments = Table(
    "segments",
    metadata,
    Column("stream", ForeignKey("streams.name"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("path", Text, nullable=False, unique=True),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("pts_start_ms", Integer, nullable=False),
    Column("pts_end_ms", Integer, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("wall_start", String, nullable=False),
    Index("segments_by_time", "stream", "start_ms"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", ForeignKey("streams.name"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("wall_start", String, nullable=False),
    Column("wall_end", String, nullable=False),
    UniqueConstraint("stream", "start_ms", "end_ms"),
)

# Recorded, passed by the cursor, and yet without text: recognition failed there, or the recording cannot be read.
holes = Table(
    "holes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", ForeignKey("streams.name"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("stream", "epoch", "start_ms"),
)

utterances = Table(
    "utterances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", ForeignKey("streams.name"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("model_name", String, nullable=False),
    Column("model_sha256", String, nullable=False),
    Column("wall_start", String, nullable=False, index=True),
    Column("flags", String, nullable=False, default=""),
    UniqueConstraint("stream", "epoch", "start_ms"),
    Index("utterances_by_time", "stream", "start_ms"),
    sqlite_autoincrement=True,
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("stream", ForeignKey("streams.name"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("wall_time", String, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("utterance_id", ForeignKey("utterances.id"), index=True),
    Column("product", String, nullable=False, default=""),
    Column("rule_id", String, nullable=False, index=True),
    Column("category", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("finding", Text, nullable=False),
    Column("count", Integer, nullable=False, default=1, server_default="1"),
    # JSON of the host's own correction, empty while there is none.
    Column("correction", Text, nullable=False, default="", server_default=""),
    Column("reason", Text, nullable=False, default="", server_default=""),
    # What speaks against it: other words that were heard there, or what was said next.
    Column("against", Text, nullable=False, default="", server_default=""),
    Index("alerts_by_time", "stream", "start_ms"),
)

# What people decided about an alert, in order; the row with the highest number holds its state.
alert_reviews = Table(
    "alert_reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("action", String, nullable=False),
    Column("state", String, nullable=False),
    Column("assignee", String, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", String, nullable=False),
    UniqueConstraint("alert_id", "number"),
    sqlite_autoincrement=True,
)

# What is told to the outside, in the order of commits: one writer, so a later cursor is a later commit.
outbox = Table(
    "outbox",
    metadata,
    Column("cursor", Integer, primary_key=True),
    Column("event_id", String, nullable=False, unique=True),
    Column("stream", String, nullable=False),
    Column("event", String, nullable=False),
    Column("alert_id", String, nullable=False, default=""),
    Column("at", String, nullable=False),
    Column("payload", Text, nullable=False),
    Index("outbox_by_stream", "stream", "cursor"),
    sqlite_autoincrement=True,
)

timeline_events = Table(
    "timeline_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", ForeignKey("streams.name"), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("wall_time", String, nullable=False),
    Column("product_class", String, nullable=False, default=""),
    Column("price_fen", Integer),
    Column("author", String, nullable=False, default=""),
    Index("timeline_by_time", "stream", "at_ms", "id"),
    sqlite_autoincrement=True,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("name", String, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    # JSON list of stream names; an empty list means all.
    Column("streams", Text, nullable=False),
    Column("origin", String, nullable=False),
    # Events up to this cursor were there before the target and are not sent to it.
    Column("since_cursor", Integer, nullable=False),
    Column("created_at", String, nullable=False),
)

# One queue a target and stream: everything up to `cursor` is delivered or dead.
webhook_queues = Table(
    "webhook_queues",
    metadata,
    Column("webhook", ForeignKey("webhooks.name"), primary_key=True),
    Column("stream", String, primary_key=True),
    Column("cursor", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("failing_since", String),
    Column("next_at", String),
    Column("error", Text, nullable=False, default=""),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("webhook", ForeignKey("webhooks.name"), nullable=False, index=True),
    Column("cursor", ForeignKey("outbox.cursor"), nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("error", Text, nullable=False),
    Column("dead_at", String, nullable=False),
    UniqueConstraint("webhook", "cursor"),
    sqlite_autoincrement=True,
)

# Streams that a person asked this installation to watch, so that a restarted service goes on with them.
watches = Table(
    "watches",
    metadata,
    Column("name", String, primary_key=True),
    Column("config", Text, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("updated_at", String, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    # Counts up for good: a reader that remembers the last number sees all that other processes add.
    Column("number", Integer, primary_key=True),
    Column("utterance_id", ForeignKey("utterances.id"), nullable=False),
    Column("model_sha256", String, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    UniqueConstraint("utterance_id", "model_sha256"),
    sqlite_autoincrement=True,
)

# How an utterance is read by search: mis-heard words put right (empty: as heard) and the concepts it expresses,
# by one version of the tables that do so.
readings = Table(
    "readings",
    metadata,
    Column("utterance_id", ForeignKey("utterances.id"), primary_key=True),
    Column("version", String, nullable=False),
    Column("repaired", Text, nullable=False),
    Column("concepts", Text, nullable=False),
)

# Utterances that were deleted, in order: a trigger writes it and takes vectors, readings and postings away.
index_removals = Table(
    "index_removals",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("utterance_id", Integer, nullable=False),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("content_sha256", String, primary_key=True),
    Column("path", Text, nullable=False),
    Column("stream", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("error", Text, nullable=False, default=""),
    Column("updated_at", String, nullable=False),
)

# People who may sign in. A shop's account sees that shop only; an empty shop is the whole platform.
accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("shop", String, nullable=False),
    # Argon2id; empty until the one-time link was used.
    Column("password_hash", Text, nullable=False),
    Column("active", Integer, nullable=False),
    Column("created_at", String, nullable=False),
)

# Of what a browser or a link carries only the hash is kept.
sessions = Table(
    "sessions",
    metadata,
    Column("secret_sha256", String, primary_key=True),
    Column("account", ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", String, nullable=False),
    Column("csrf", String, nullable=False),
    Column("used_at", String),
)

invitations = Table(
    "invitations",
    metadata,
    Column("secret_sha256", String, primary_key=True),
    Column("account", ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", String, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("key_sha256", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("shop", String, nullable=False),
    # JSON list of permissions; a key may hold fewer than its role.
    Column("scopes", Text, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("revoked_at", String),
)

# How long a stream is kept; a stream that is not listed here is kept for good.
retention_classes = Table(
    "retention_classes",
    metadata,
    Column("stream", ForeignKey("streams.name"), primary_key=True),
    Column("class", String, nullable=False),
    Column("set_at", String, nullable=False),
)

# Trades that came out of a stream; one without an end is still open.
trades = Table(
    "trades",
    metadata,
    Column("stream", ForeignKey("streams.name"), primary_key=True),
    Column("reference", String, primary_key=True),
    Column("completed_at", String),
)

holds = Table(
    "holds",
    metadata,
    Column("id", String, primary_key=True),
    Column("case", String, nullable=False),
    Column("stream", ForeignKey("streams.name"), nullable=False, index=True),
    # Without times: the whole stream.
    Column("start_ms", Integer),
    Column("end_ms", Integer),
    Column("reason", Text, nullable=False),
    Column("placed_by", String, nullable=False),
    Column("placed_at", String, nullable=False),
    Column("lifted_by", String, nullable=False),
    Column("lifted_at", String),
    Column("lift_reason", Text, nullable=False),
)

# A deletion is decided by the transaction that inserts it; until `finished_at` files may still have to go.
deletions = Table(
    "deletions",
    metadata,
    Column("id", String, primary_key=True),
    Column("stream", ForeignKey("streams.name"), nullable=False),
    Column("decided_at", String, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("plan", String, nullable=False),
    # JSON: class, when it fell due, what was counted.
    Column("record", Text, nullable=False),
    Column("finished_at", String),
)

deleted_segments = Table(
    "deleted_segments",
    metadata,
    *(Column(c.name, c.type, nullable=False) for c in segments.columns if c.name not in {"stream", "sequence"}),
    Column("stream", ForeignKey("streams.name"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("deletion", ForeignKey("deletions.id"), nullable=False, index=True),
)

# A dispute: exhibits in an order, with comments, until it is decided.
cases = Table(
    "cases",
    metadata,
    Column("id", String, primary_key=True),
    Column("title", Text, nullable=False),
    Column("shop", String, nullable=False),
    Column("state", String, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
)

exhibits = Table(
    "exhibits",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("stream", String, nullable=False),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    # Name under cases/ID/; empty for a note.
    Column("file", Text, nullable=False),
    Column("sha256", String, nullable=False),
    Column("size", Integer, nullable=False),
    # JSON: what the export or the search told of itself.
    Column("about", Text, nullable=False),
    Column("added_by", String, nullable=False),
    Column("added_at", String, nullable=False),
)

# What a moderator asked of the platform, and what came of it.
measures = Table(
    "measures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream", ForeignKey("streams.name"), nullable=False, index=True),
    Column("alert_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("asked_at", String, nullable=False),
    Column("answer", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("answered_by", String, nullable=False),
    Column("answered_at", String),
    sqlite_autoincrement=True,
)

# Queries that are asked of everything new; utterances up to `done_to` were looked at, or are older than the search.
saved_searches = Table(
    "saved_searches",
    metadata,
    Column("name", String, primary_key=True),
    Column("query", Text, nullable=False),
    Column("stream", String, nullable=False),
    Column("shop", String, nullable=False),
    Column("host", String, nullable=False),
    Column("product", String, nullable=False),
    Column("category", String, nullable=False),
    Column("level", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("done_to", Integer, nullable=False),
)

# What a saved search found, and the outbox event that told of it.
search_matches = Table(
    "search_matches",
    metadata,
    Column("search", ForeignKey("saved_searches.name", ondelete="CASCADE"), primary_key=True),
    Column("utterance_id", ForeignKey("utterances.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("cursor", Integer, nullable=False),
)

# One row: events up to this cursor may be gone; whoever comes with an older one is told so.
outbox_pruned = Table(
    "outbox_pruned",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("cursor", Integer, nullable=False),
)

# The first answer to a request with an Idempotency-Key, for a day; `owner` is who made it.
idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("owner", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_sha256", Text, nullable=False),
    # JSON: content type, and where there is one the location.
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("at", String, nullable=False, index=True),
)

# Recordings that a person asked over the API to be worked through.
backfills = Table(
    "backfills",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("shop", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("state", Text, nullable=False),
    # JSON: how far it is, what failed.
    Column("detail", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Which account a person of an OpenID provider signs in as.
oidc_identities = Table(
    "oidc_identities",
    metadata,
    Column("issuer", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("account", ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False, index=True),
)

# Full text is a virtual table, `postings`, made by the first migration: `letters` holds character 1+2-grams,
# `sounds` merged-pinyin 1+2-grams, separated by spaces; its rowid is the utterance's id.
