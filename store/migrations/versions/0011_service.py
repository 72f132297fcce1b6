"""Answers kept for their Idempotency-Key, backfills asked for over the API, identities, what the outbox lost."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Four new tables. What was pruned before shows in what the outbox begins with."""
    op.create_table(
        "outbox_pruned",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.execute("INSERT INTO outbox_pruned SELECT 1, coalesce(min(cursor), 1) - 1 FROM outbox")
    op.create_table(
        "idempotent_answers",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        *_texts("request_sha256", "headers", "body"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
    )
    op.create_index("ix_idempotent_answers_at", "idempotent_answers", ["at"])
    op.create_table(
        "backfills",
        sa.Column("number", sa.Integer(), nullable=False),
        *_texts("source", "shop", "product", "state", "detail", "created_by", "created_at", "updated_at"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "oidc_identities",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.create_index("ix_oidc_identities_account", "oidc_identities", ["account"])
