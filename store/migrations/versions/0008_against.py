"""Alerts keep what speaks against them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column, empty for what is stored."""
    op.add_column("alerts", sa.Column("against", sa.Text(), nullable=False, server_default=""))
