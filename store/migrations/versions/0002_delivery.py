"""Delivery: outbox, webhooks and their queues, timeline, watches; what becomes of an alert."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns with their values for what is stored, then the new tables."""
    op.add_column("alerts", sa.Column("count", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("alerts", sa.Column("correction", sa.Text(), nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    _telling()
    _webhooks()
    op.create_table(
        "watches",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _telling() -> None:
    op.create_table(
        "outbox",
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cursor"),
        sa.UniqueConstraint("event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_by_stream", "outbox", ["stream", "cursor"], unique=False)
    op.create_table(
        "timeline_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("wall_time", sa.String(), nullable=False),
        sa.Column("product_class", sa.String(), nullable=False),
        sa.Column("price_fen", sa.Integer(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["streams.name"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("timeline_by_time", "timeline_events", ["stream", "at_ms", "id"], unique=False)


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("streams", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("since_cursor", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "webhook_queues",
        sa.Column("webhook", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.String(), nullable=True),
        sa.Column("next_at", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["webhook"], ["webhooks.name"]),
        sa.PrimaryKeyConstraint("webhook", "stream"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("webhook", sa.String(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("dead_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["cursor"], ["outbox.cursor"]),
        sa.ForeignKeyConstraint(["webhook"], ["webhooks.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("webhook", "cursor"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_dead_letters_state"), "dead_letters", ["state"], unique=False)
    op.create_index(op.f("ix_dead_letters_webhook"), "dead_letters", ["webhook"], unique=False)
