"""Secrets of webhooks are sealed with the key of the data directory."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from store.secrets import SecretBox

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Seal what stands there in plain; the key is made only where there is something to seal."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT name, secret FROM webhooks")).all()
    box = SecretBox(Path(connection.engine.url.database or "").parent / "keys")
    for name, secret in rows:
        update = sa.text("UPDATE webhooks SET secret = :secret WHERE name = :name")
        connection.execute(update, {"secret": box.seal(secret, name), "name": name})
