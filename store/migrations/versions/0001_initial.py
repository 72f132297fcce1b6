"""Initial schema: streams, recordings, utterances, alerts, postings, vectors, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    _streams_and_jobs()
    _recordings()
    _speech()
    _alerts()
    _search()


def _streams_and_jobs() -> None:
    """Streams, and the files that backfill works on."""
    op.create_table(
        "jobs",
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("content_sha256"),
        sa.UniqueConstraint("stream"),
    )
    op.create_table(
        "streams",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.Column("ended_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index(op.f("ix_streams_shop"), "streams", ["shop"], unique=False)


def _recordings() -> None:
    """Epochs, gaps and segments."""
    op.create_table(
        "epochs",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("offset_ms", sa.Integer(), nullable=False),
        sa.Column("pts_origin_ms", sa.Integer(), nullable=False),
        sa.Column("wall_start", sa.String(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("video_codec", sa.String(), nullable=False),
        sa.Column("audio_codec", sa.String(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("complete", sa.Integer(), nullable=False),
        sa.Column("transcribed_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream"],
            ["streams.name"],
        ),
        sa.PrimaryKeyConstraint("stream", "number"),
    )
    op.create_index(op.f("ix_epochs_content_sha256"), "epochs", ["content_sha256"], unique=False)
    op.create_table(
        "gaps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("wall_start", sa.String(), nullable=False),
        sa.Column("wall_end", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream"],
            ["streams.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stream", "start_ms", "end_ms"),
    )
    op.create_table(
        "segments",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pts_start_ms", sa.Integer(), nullable=False),
        sa.Column("pts_end_ms", sa.Integer(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("wall_start", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream"],
            ["streams.name"],
        ),
        sa.PrimaryKeyConstraint("stream", "sequence"),
        sa.UniqueConstraint("path"),
    )
    op.create_index("segments_by_time", "segments", ["stream", "start_ms"], unique=False)


def _speech() -> None:
    """Utterances."""
    op.create_table(
        "utterances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("model_name", sa.String(), nullable=False),
        sa.Column("model_sha256", sa.String(), nullable=False),
        sa.Column("wall_start", sa.String(), nullable=False),
        sa.Column("flags", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream"],
            ["streams.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stream", "epoch", "start_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_utterances_wall_start"), "utterances", ["wall_start"], unique=False)
    op.create_index("utterances_by_time", "utterances", ["stream", "start_ms"], unique=False)


def _alerts() -> None:
    """Alerts."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("wall_time", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("utterance_id", sa.Integer(), nullable=True),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream"],
            ["streams.name"],
        ),
        sa.ForeignKeyConstraint(
            ["utterance_id"],
            ["utterances.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alerts_by_time", "alerts", ["stream", "start_ms"], unique=False)
    op.create_index(op.f("ix_alerts_rule_id"), "alerts", ["rule_id"], unique=False)
    op.create_index(op.f("ix_alerts_utterance_id"), "alerts", ["utterance_id"], unique=False)
    op.create_index(op.f("ix_alerts_wall_time"), "alerts", ["wall_time"], unique=False)


def _search() -> None:
    """Vectors and postings."""
    op.create_table(
        "vectors",
        sa.Column("utterance_id", sa.Integer(), nullable=False),
        sa.Column("model_sha256", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["utterance_id"],
            ["utterances.id"],
        ),
        sa.PrimaryKeyConstraint("utterance_id", "model_sha256"),
    )
    op.execute('CREATE VIRTUAL TABLE postings USING fts5(letters, sounds, tokenize="unicode61 remove_diacritics 0")')
