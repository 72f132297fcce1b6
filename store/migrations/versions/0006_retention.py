"""Retention: classes and trades that decide how long, holds that keep, deletions and what was deleted by them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Five new tables; nothing that is stored gets a class, so nothing is ever due without a person's word."""
    op.create_table(
        "retention_classes",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        sa.Column("set_at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["streams.name"]),
        sa.PrimaryKeyConstraint("stream"),
    )
    op.create_table(
        "trades",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("completed_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["stream"], ["streams.name"]),
        sa.PrimaryKeyConstraint("stream", "reference"),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=True),
        sa.Column("end_ms", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("placed_at", sa.String(), nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=False),
        sa.Column("lifted_at", sa.String(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["streams.name"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_holds_stream"), "holds", ["stream"], unique=False)
    _deletions()


def _deletions() -> None:
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("decided_at", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["stream"], ["streams.name"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "deleted_segments",
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
        sa.Column("deletion", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["deletion"], ["deletions.id"]),
        sa.ForeignKeyConstraint(["stream"], ["streams.name"]),
        sa.PrimaryKeyConstraint("stream", "sequence"),
    )
    op.create_index(op.f("ix_deleted_segments_deletion"), "deleted_segments", ["deletion"], unique=False)
