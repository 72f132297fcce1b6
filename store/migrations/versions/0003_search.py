"""Search: vectors are numbered for good, what is deleted leaves the index, readings stand beside the text."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FORGET = """
CREATE TRIGGER utterances_leave_the_index BEFORE DELETE ON utterances BEGIN
  DELETE FROM vectors WHERE utterance_id = OLD.id;
  DELETE FROM readings WHERE utterance_id = OLD.id;
  DELETE FROM postings WHERE rowid = OLD.id;
  INSERT INTO index_removals (utterance_id) VALUES (OLD.id);
END
"""


def upgrade() -> None:
    """Vectors move to a table that counts its rows; two new tables; a trigger."""
    op.create_table(
        "readings",
        sa.Column("utterance_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("repaired", sa.Text(), nullable=False),
        sa.Column("concepts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["utterance_id"], ["utterances.id"]),
        sa.PrimaryKeyConstraint("utterance_id"),
    )
    op.create_table(
        "index_removals",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("utterance_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.rename_table("vectors", "old_vectors")
    op.create_table(
        "vectors",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("utterance_id", sa.Integer(), nullable=False),
        sa.Column("model_sha256", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["utterance_id"], ["utterances.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("utterance_id", "model_sha256"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO vectors (utterance_id, model_sha256, vector)"
        " SELECT utterance_id, model_sha256, vector FROM old_vectors ORDER BY rowid"
    )
    op.drop_table("old_vectors")
    op.execute(_FORGET)
